/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery/spool_directory.h"
#include "delivery/spool_file.h"
#include "delivery/spool_index.h"
#include "delivery/spool_rejected.h"
#include "delivery/spool_scan.h"
#include "delivery/spool_shelf.h"
#include "util/clock.h"
#include "util/memory.h"

/* About what a file has beside envelope and body. */
#define HEAD_BYTES 1024

/* How long a batch is left alone whose file could not be handled just now. */
#define TROUBLE_PAUSE_NS (10 * RTS_NS_PER_S)

/* A hundred years: more is as good as for ever, and would overflow. */
#define AGE_MAX_S (366ull * 24 * 3600 * 100)

struct rts_spool {
    struct rts_spool_shelf shelf; /* the files */
    struct rts_spool_index index; /* and what is known of each */
    int lock;
    uint64_t max_bytes;
    int64_t max_age_ns;
    uint64_t last_sequence;
};

struct rts_spool *rts_spool_open(const struct rts_spool_options *options, struct rts_error *error)
{
    struct rts_spool *spool = rts_calloc(1, sizeof *spool);
    uint64_t age_s = options->max_age_s ? options->max_age_s : RTS_SPOOL_AGE_DEFAULT_S;
    spool->lock = -1;
    spool->max_bytes = options->max_bytes ? options->max_bytes : RTS_SPOOL_BYTES_DEFAULT;
    spool->max_age_ns = (int64_t)((age_s < AGE_MAX_S ? age_s : AGE_MAX_S) * RTS_NS_PER_S);
    struct rts_spool_shelf *shelf = &spool->shelf;
    if (rts_spool_shelf_open(shelf, options->directory, error) < 0 ||
        rts_spool_check_directory(shelf, error) < 0 ||
        (spool->lock = rts_spool_directory_lock(shelf->directory, shelf->path, error)) < 0 ||
        rts_spool_scan(shelf, &spool->index, error) < 0) {
        rts_spool_close(spool);
        return NULL;
    }
    size_t count = spool->index.count;
    if (count > 0)
        spool->last_sequence = rts_spool_index_at(&spool->index, count - 1)->id.sequence;
    rts_spool_directory_close_to_others(shelf->directory);
    return spool;
}

void rts_spool_close(struct rts_spool *spool)
{
    if (!spool)
        return;
    if (spool->lock >= 0)
        close(spool->lock);
    rts_spool_shelf_close(&spool->shelf);
    rts_spool_index_finish(&spool->index);
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
        struct rts_batch *batch = rts_spool_shelf_load(&spool->shelf, &entry->id, &damaged, NULL);
        entry->events = batch ? batch->events : 0;
        rts_batch_destroy(batch);
    }
    rts_spool_shelf_remove(&spool->shelf, &entry->id);
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
                            spool->shelf.path);
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
    int result =
        rts_spool_directory_write(spool->shelf.directory, name, &head, &batch->body, error);
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
    uint64_t bytes = rts_spool_disk_bytes(batch->body.size + strlen(batch->envelope) + HEAD_BYTES);
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
        struct rts_batch *batch = rts_spool_shelf_load(&spool->shelf, &entry->id, &damaged, &error);
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
            rts_spool_shelf_complain(&spool->shelf, name, error.text);
            continue;
        }
        rts_spool_shelf_quarantine(&spool->shelf, name, error.text);
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
    rts_spool_shelf_remove(&spool->shelf, &batch->id);
    rts_spool_index_remove(&spool->index, entry);
}

static int reject(struct rts_spool *spool, const struct rts_batch *batch, bool is_here,
                  const struct rts_buffer *answer, struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    struct rts_buffer head = RTS_BUFFER_INIT;
    int directory = rts_spool_shelf_rejected(&spool->shelf, error);
    if (directory < 0)
        return -1;
    rts_spool_file_name(&batch->id, name);
    rts_spool_rejected_make_room(directory, spool->max_bytes / 4);
    if (rts_spool_rejected_answer(directory, name, answer, error) < 0)
        return -1;
    if (is_here)
        return rts_spool_directory_move(spool->shelf.directory, name, directory, error);
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

int rts_spool_split(struct rts_spool *spool, const struct rts_batch *batch,
                    struct rts_batch *const halves[2], struct rts_error *error)
{
    char name[RTS_SPOOL_NAME_SIZE];
    int result = 0;
    for (int i = 0; i < 2 && result == 0; i++)
        result = write_batch(spool, halves[i], error);
    rts_spool_file_name(&batch->id, name);
    /* The moment at which the halves begin to count: see rts_spool_scan(). */
    if (result == 0 && unlinkat(spool->shelf.directory, name, 0) != 0 && errno != ENOENT)
        result = rts_fail_errno(error, errno, "cannot replace %s by its halves", name);
    if (result < 0) {
        rts_spool_remove(spool, halves[0]);
        rts_spool_remove(spool, halves[1]);
        rts_spool_keep(spool, batch, rts_clock_monotonic_ns() + TROUBLE_PAUSE_NS);
        return -1;
    }
    (void)!fsync(spool->shelf.directory);
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
