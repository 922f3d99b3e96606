/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "delivery/spool_directory.h"
#include "delivery/spool_file.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* More files than a spool of ours can have; the rest is found at the next start. */
#define ENTRIES_MAX (1u << 20)

/* Parts of one batch side by side; it was halved at most some ten times. */
#define RELATED_MAX 4096

static DIR *open_list(const struct rts_spool_shelf *shelf, struct rts_error *error)
{
    RTS_CLOSE int fd = openat(shelf->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list) {
        rts_fail_errno(error, errno, "cannot list the spool %s", shelf->path);
        return NULL;
    }
    rts_take_fd(&fd);
    return list;
}

/* What never is a batch, and belongs here. */
static bool is_furniture(const char *name)
{
    static const char *const names[] = {".", "..", "lock", "rejected", "quarantine", "lost+found"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_temporary(const char *name)
{
    return strncmp(name, RTS_SPOOL_TEMPORARY, strlen(RTS_SPOOL_TEMPORARY)) == 0;
}

int rts_spool_check_directory(const struct rts_spool_shelf *shelf, struct rts_error *error)
{
    DIR *list = open_list(shelf, error);
    if (!list)
        return -1;
    bool is_spool = false, has_others = false;
    struct rts_batch_id id;
    for (struct dirent *item; !is_spool && (item = readdir(list));) {
        is_spool = strcmp(item->d_name, "lock") == 0 || is_temporary(item->d_name) ||
                   rts_spool_file_read_name(item->d_name, &id) == 0;
        has_others = has_others || !is_furniture(item->d_name);
    }
    closedir(list);
    /* A slip of the pen must not tidy up somebody's files. */
    if (has_others && !is_spool)
        return rts_fail(
            error, RTS_USAGE,
            "%s is not a spool: it has other files in it; give an empty or a new directory",
            shelf->path);
    return 0;
}

static int64_t age_ns(const struct stat *status)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t seconds = (int64_t)now.tv_sec - (int64_t)status->st_mtim.tv_sec;
    if (seconds < 0)
        return 0; /* from the future: a clock was set back */
    return seconds < INT64_MAX / RTS_NS_PER_S / 2 ? seconds * RTS_NS_PER_S : INT64_MAX / 2;
}

static void take_file(struct rts_spool_shelf *shelf, struct rts_spool_index *index,
                      const char *name)
{
    struct rts_spool_entry entry = {.earlier = true};
    struct stat status;
    if (is_furniture(name) || fstatat(shelf->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(status.st_mode))
        return;
    if (is_temporary(name)) {
        unlinkat(shelf->directory, name, 0);
        return;
    }
    if (rts_spool_file_read_name(name, &entry.id) < 0) {
        rts_spool_shelf_quarantine(shelf, name, "it is not a batch");
        return;
    }
    if (!S_ISREG(status.st_mode)) {
        rts_spool_shelf_quarantine(shelf, name, "it is not a regular file");
        return;
    }
    entry.bytes = rts_spool_disk_bytes((uint64_t)status.st_size);
    entry.born_ns = (int64_t)rts_clock_monotonic_ns() - age_ns(&status);
    rts_spool_index_append(index, &entry);
}

/* Could `child` be a half of `parent`? */
static bool may_be_half(const struct rts_batch_id *parent, const struct rts_batch_id *child)
{
    size_t length = strlen(parent->part);
    return parent->sequence == child->sequence && strlen(child->part) == length + 1 &&
           strncmp(parent->part, child->part, length) == 0;
}

/* A whole and its halves side by side: we died before the whole was removed, so the halves were
 * never sent. */
static void undo_unfinished_split(struct rts_spool_shelf *shelf, struct rts_spool_index *index,
                                  const struct rts_batch_id *parent, size_t from)
{
    for (size_t i = from; i < index->count && i - from < RELATED_MAX;) {
        struct rts_spool_entry *entry = rts_spool_index_at(index, i);
        if (entry->id.sequence != parent->sequence)
            break;
        bool damaged = true;
        struct rts_error error;
        struct rts_batch *half = may_be_half(parent, &entry->id)
                                     ? rts_spool_shelf_load(shelf, &entry->id, &damaged, &error)
                                     : NULL;
        bool unfinished = half && memcmp(half->parent, parent->digest, RTS_SHA256_SIZE) == 0;
        bool unclear = !half && !damaged;
        rts_batch_destroy(half);
        if (!unfinished && !unclear) {
            i++;
            continue;
        }
        char name[RTS_SPOOL_NAME_SIZE];
        rts_spool_file_name(&entry->id, name);
        /* What cannot be read may be the half of what is sent as a whole: not to be sent, ever. */
        if (unclear)
            rts_spool_shelf_quarantine(shelf, name, error.text);
        else
            unlinkat(shelf->directory, name, 0);
        rts_spool_index_remove(index, entry);
    }
}

static void undo_unfinished_splits(struct rts_spool_shelf *shelf, struct rts_spool_index *index)
{
    for (size_t i = 0; i + 1 < index->count; i++) {
        struct rts_batch_id id = rts_spool_index_at(index, i)->id;
        if (rts_spool_index_at(index, i + 1)->id.sequence == id.sequence)
            undo_unfinished_split(shelf, index, &id, i + 1);
    }
}

int rts_spool_scan(struct rts_spool_shelf *shelf, struct rts_spool_index *index,
                   struct rts_error *error)
{
    DIR *list = open_list(shelf, error);
    if (!list)
        return -1;
    for (struct dirent *item; index->count < ENTRIES_MAX && (item = readdir(list));)
        take_file(shelf, index, item->d_name);
    closedir(list);
    rts_spool_index_sort(index);
    undo_unfinished_splits(shelf, index);
    return 0;
}
