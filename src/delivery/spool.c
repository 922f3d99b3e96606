/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery/spool_directory.h"
#include "delivery/spool_file.h"
#include "delivery/spool_rejected.h"
#include "delivery/spool_state.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define BLOCK_SIZE     4096u
#define COMPLAINTS_MAX 10
#define NS_PER_S       1000000000ULL

/* How long a batch is left alone whose file could not be handled just now. */
#define TROUBLE_PAUSE_NS (10 * NS_PER_S)

/* A hundred years: more is as good as for ever, and would overflow. */
#define AGE_MAX_S (366ull * 24 * 3600 * 100)

uint64_t rts_spool_disk_bytes(uint64_t size)
{
    return (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

void rts_spool_complain(struct rts_spool *spool, const char *name, const char *text)
{
    if (spool->complaints++ < COMPLAINTS_MAX)
        rts_log("spool %s: %s: %s", spool->path, name, text);
    else if (spool->complaints == COMPLAINTS_MAX + 1)
        rts_log("spool %s: more files are not as they should be", spool->path);
}

/* The descriptor of a directory in the spool, opened when it is first needed. */
static int sub_directory(struct rts_spool *spool, int *fd, const char *name,
                         struct rts_error *error)
{
    if (*fd < 0) {
        struct rts_buffer path = RTS_BUFFER_INIT;
        rts_buffer_format(&path, "%s/%s", spool->path, name);
        *fd = rts_spool_directory_open(spool->directory, name, path.data, error);
        rts_buffer_finish(&path);
    }
    return *fd;
}

void rts_spool_quarantine(struct rts_spool *spool, const char *name, const char *reason)
{
    char text[sizeof((struct rts_error *)0)->text + 100];
    struct rts_error error;
    int target = sub_directory(spool, &spool->quarantine, "quarantine", &error);
    if (target >= 0 && rts_spool_directory_move(spool->directory, name, target, &error) == 0)
        snprintf(text, sizeof text, "%s; moved to quarantine/", reason);
    else
        snprintf(text, sizeof text, "%s, and is passed over: %s", reason, error.text);
    rts_spool_complain(spool, name, text);
}

struct rts_spool *rts_spool_open(const struct rts_spool_options *options, struct rts_error *error)
{
    struct rts_spool *spool = rts_calloc(1, sizeof *spool);
    uint64_t age_s = options->max_age_s ? options->max_age_s : RTS_SPOOL_AGE_DEFAULT_S;
    spool->path = rts_strdup(options->directory);
    spool->lock = spool->rejected = spool->quarantine = -1;
    spool->max_bytes = options->max_bytes ? options->max_bytes : RTS_SPOOL_BYTES_DEFAULT;
    spool->max_age_ns = (int64_t)((age_s < AGE_MAX_S ? age_s : AGE_MAX_S) * NS_PER_S);
    spool->directory = rts_spool_directory_open(AT_FDCWD, spool->path, spool->path, error);
    if (spool->directory < 0 || rts_spool_check_directory(spool, error) < 0 ||
        (spool->lock = rts_spool_directory_lock(spool->directory, spool->path, error)) < 0 ||
        rts_spool_scan(spool, error) < 0) {
        rts_spool_close(spool);
        return NULL;
    }
    rts_spool_directory_close_to_others(spool->directory);
    return spool;
}

void rts_spool_close(struct rts_spool *spool)
{
    if (!spool)
        return;
    int descriptors[] = {spool->rejected, spool->quarantine, spool->lock, spool->directory};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    rts_spool_index_finish(&spool->index);
    free(spool->path);
    free(spool);
}

uint64_t rts_spool_last_sequence(const struct rts_spool *spool)
{
    return spool->last_sequence;
}

size_t rts_spool_count(const struct rts_spool *spool)
{
    return spool->index.count;
}

uint64_t rts_spool_own_events(const struct rts_spool *spool)
{
    return spool->index.own_events;
}

/* Says the error of a file that it will never be a batch? Others are the disk's or the machine's,
 * and may pass. 0: the content is wrong. */
static bool is_final(int number)
{
    static const int numbers[] = {0, ENOENT, EACCES, EPERM, ELOOP, ENXIO, ENODEV};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

struct rts_batch *rts_spool_load(struct rts_spool *spool, const struct rts_batch_id *id,
                                 bool *damaged, struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    struct rts_buffer content = RTS_BUFFER_INIT;
    struct rts_error own;
    error = error ? error : &own;
    rts_spool_file_name(id, name);
    struct rts_batch *batch = NULL;
    *damaged = true;
    if (rts_spool_directory_read(spool->directory, name, RTS_SPOOL_FILE_MAX, &content, error) == 0)
        batch = rts_spool_file_read(id, content.data, content.size, error);
    else
        *damaged = is_final(error->number);
    rts_buffer_finish(&content);
    return batch;
}

static void remove_file(struct rts_spool *spool, const struct rts_batch_id *id)
{
    char name[RTS_SPOOL_NAME_SIZE];
    rts_spool_file_name(id, name);
    if (unlinkat(spool->directory, name, 0) != 0 && errno != ENOENT)
        rts_spool_complain(spool, name, "it cannot be removed, and will be sent again next time");
}

/* Gives up an entry whose file is gone, or goes now. */
static void lose(struct rts_spool_index *index, struct rts_spool_entry *entry,
                 struct rts_spool_loss *loss)
{
    if (entry->earlier)
        loss->earlier += entry->events;
    else
        loss->own += entry->events;
    rts_spool_index_remove(index, entry);
}

/* Removes an entry and its file before it was delivered. */
static void drop(struct rts_spool *spool, struct rts_spool_entry *entry,
                 struct rts_spool_loss *loss)
{
    if (entry->events == 0) {
        bool damaged;
        struct rts_batch *batch = rts_spool_load(spool, &entry->id, &damaged, NULL);
        entry->events = batch ? batch->events : 0;
        rts_batch_destroy(batch);
    }
    remove_file(spool, &entry->id);
    lose(&spool->index, entry, loss);
}

/* Removes the oldest until `bytes` more fit. */
static int make_room(struct rts_spool *spool, uint64_t bytes, struct rts_spool_loss *loss,
                     struct rts_error *error)
{
    size_t i = 0;
    while (spool->index.bytes > spool->max_bytes || bytes > spool->max_bytes - spool->index.bytes) {
        if (bytes > spool->max_bytes || i == spool->index.count)
            return rts_fail(error, RTS_FAILED, "the batch is larger than the spool %s may be",
                            spool->path);
        struct rts_spool_entry *entry = rts_spool_index_at(&spool->index, i);
        if (entry->busy)
            i++;
        else
            drop(spool, entry, loss);
    }
    return 0;
}

static int write_batch(struct rts_spool *spool, const struct rts_batch *batch,
                       struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    struct rts_buffer head = RTS_BUFFER_INIT;
    rts_spool_file_name(&batch->id, name);
    rts_spool_file_head(batch, &head);
    int result = rts_spool_directory_write(spool->directory, name, &head, &batch->body, error);
    if (result == 0) {
        struct rts_spool_entry entry = {
            .id = batch->id,
            .bytes = rts_spool_disk_bytes(head.size + batch->body.size),
            .born_ns = (int64_t)rts_clock_monotonic_ns(),
            .events = batch->events,
            .attempts = (uint16_t)batch->attempts,
            .earlier = batch->earlier,
        };
        rts_spool_index_insert(&spool->index, &entry);
        if (batch->id.sequence > spool->last_sequence)
            spool->last_sequence = batch->id.sequence;
    }
    rts_buffer_finish(&head);
    return result;
}

int rts_spool_put(struct rts_spool *spool, const struct rts_batch *batch,
                  struct rts_spool_loss *loss, struct rts_error *error)
{
    uint64_t bytes =
        rts_spool_disk_bytes(batch->body.size + strlen(batch->envelope) + BLOCK_SIZE / 4);
    if (make_room(spool, bytes, loss, error) < 0)
        return -1;
    return write_batch(spool, batch, error);
}

static struct rts_spool_entry *next_entry(const struct rts_spool *spool, uint64_t now_ns,
                                          const struct rts_batch_id *skip)
{
    for (size_t i = 0; i < spool->index.count; i++) {
        struct rts_spool_entry *entry = rts_spool_index_at(&spool->index, i);
        if (entry->deferred_until_ns <= now_ns &&
            !(skip && rts_batch_compare(&entry->id, skip) == 0))
            return entry;
    }
    return NULL;
}

const struct rts_batch_id *rts_spool_peek(const struct rts_spool *spool, uint64_t now_ns,
                                          const struct rts_batch_id *skip)
{
    const struct rts_spool_entry *entry = next_entry(spool, now_ns, skip);
    return entry ? &entry->id : NULL;
}

struct rts_batch *rts_spool_next(struct rts_spool *spool, uint64_t now_ns,
                                 const struct rts_batch_id *skip, struct rts_spool_loss *loss)
{
    for (struct rts_spool_entry *entry; (entry = next_entry(spool, now_ns, skip));) {
        bool damaged;
        struct rts_error error;
        struct rts_batch *batch = rts_spool_load(spool, &entry->id, &damaged, &error);
        if (batch) {
            entry->busy = true;
            entry->events = batch->events;
            batch->earlier = entry->earlier;
            batch->attempts = entry->attempts;
            return batch;
        }
        char name[RTS_SPOOL_NAME_SIZE];
        rts_spool_file_name(&entry->id, name);
        if (!damaged) {
            entry->deferred_until_ns = now_ns + TROUBLE_PAUSE_NS;
            rts_spool_complain(spool, name, error.text);
            continue;
        }
        rts_spool_quarantine(spool, name, error.text);
        lose(&spool->index, entry, loss);
    }
    return NULL;
}

void rts_spool_keep(struct rts_spool *spool, const struct rts_batch *batch,
                    uint64_t deferred_until_ns)
{
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, &batch->id);
    if (!entry)
        return;
    entry->busy = false;
    entry->attempts = (uint16_t)(batch->attempts < UINT16_MAX ? batch->attempts : UINT16_MAX);
    entry->deferred_until_ns = deferred_until_ns;
}

void rts_spool_defer(struct rts_spool *spool, const struct rts_batch_id *id,
                     uint64_t deferred_until_ns)
{
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, id);
    if (entry)
        entry->deferred_until_ns = deferred_until_ns;
}

void rts_spool_remove(struct rts_spool *spool, const struct rts_batch *batch)
{
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, &batch->id);
    if (!entry)
        return;
    remove_file(spool, &batch->id);
    rts_spool_index_remove(&spool->index, entry);
}

static int reject(struct rts_spool *spool, const struct rts_batch *batch, bool is_here,
                  const struct rts_buffer *answer, struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    struct rts_buffer head = RTS_BUFFER_INIT;
    int directory = sub_directory(spool, &spool->rejected, "rejected", error);
    if (directory < 0)
        return -1;
    rts_spool_file_name(&batch->id, name);
    rts_spool_rejected_make_room(directory, spool->max_bytes / 4);
    if (rts_spool_rejected_answer(directory, name, answer, error) < 0)
        return -1;
    if (is_here)
        return rts_spool_directory_move(spool->directory, name, directory, error);
    rts_spool_file_head(batch, &head);
    int result = rts_spool_directory_write(directory, name, &head, &batch->body, error);
    rts_buffer_finish(&head);
    return result;
}

int rts_spool_reject(struct rts_spool *spool, const struct rts_batch *batch,
                     const struct rts_buffer *answer, struct rts_error *error)
{
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, &batch->id);
    int result = reject(spool, batch, entry != NULL, answer, error);
    if (!entry)
        return result;
    if (result == 0)
        rts_spool_index_remove(&spool->index, entry);
    else
        rts_spool_keep(spool, batch, rts_clock_monotonic_ns() + TROUBLE_PAUSE_NS);
    return result;
}

static void unput(struct rts_spool *spool, const struct rts_batch *batch)
{
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, &batch->id);
    if (!entry)
        return;
    remove_file(spool, &batch->id);
    rts_spool_index_remove(&spool->index, entry);
}

int rts_spool_split(struct rts_spool *spool, const struct rts_batch *batch,
                    struct rts_batch *const halves[2], struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    int result = 0;
    for (int i = 0; i < 2 && result == 0; i++)
        result = write_batch(spool, halves[i], error);
    rts_spool_file_name(&batch->id, name);
    /* The moment at which the halves begin to count: see rts_spool_scan(). */
    if (result == 0 && unlinkat(spool->directory, name, 0) != 0 && errno != ENOENT)
        result = rts_fail_errno(error, errno, "cannot replace %s by its halves", name);
    if (result < 0) {
        unput(spool, halves[0]);
        unput(spool, halves[1]);
        rts_spool_keep(spool, batch, rts_clock_monotonic_ns() + TROUBLE_PAUSE_NS);
        return -1;
    }
    (void)!fsync(spool->directory);
    struct rts_spool_entry *entry = rts_spool_index_find(&spool->index, &batch->id);
    if (entry)
        rts_spool_index_remove(&spool->index, entry);
    return 0;
}

void rts_spool_expire(struct rts_spool *spool, bool only_put_aside, struct rts_spool_loss *loss)
{
    int64_t now = (int64_t)rts_clock_monotonic_ns();
    for (size_t i = 0; i < spool->index.count;) {
        struct rts_spool_entry *entry = rts_spool_index_at(&spool->index, i);
        bool may_go = !only_put_aside || entry->attempts > 0 || entry->deferred_until_ns > 0;
        if (may_go && !entry->busy && now - entry->born_ns > spool->max_age_ns)
            drop(spool, entry, loss);
        else
            i++;
    }
}
