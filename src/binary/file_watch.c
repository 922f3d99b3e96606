/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/file_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/table.h"
#include "util/whole_io.h"

/* The times of files advance by ticks, of 10 ms at most; some file systems keep whole seconds, FAT
 * every other one. */
#define GRAIN_NS 3000000000LL

/* Of either end: headers and notes lie at the beginning, section headers at the end. */
#define END_SIZE 4096

struct rts_file_watch {
    int fd;
    bool changed;
    bool fresh; /* at the last look: another change could have left the times as they are */
    bool whole; /* it is compared as a whole */
    struct rts_file_stamp stamp;
    int64_t touched_ns,
        modified_ns; /* the last changes of anything, of the content: as last seen */
    uint64_t ends;
    uint8_t digest[RTS_SHA256_SIZE];
};

void rts_file_stamp_take(struct rts_file_stamp *stamp, const struct stat *status)
{
    *stamp = (struct rts_file_stamp){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .modified_ns = rts_timespec_ns(status->st_mtim),
        .changed_ns = rts_timespec_ns(status->st_ctim),
    };
}

/* Also of a time to come: the clock was set, or is that of a server. */
static bool is_fresh(const struct rts_file_stamp *stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return stamp->changed_ns > rts_timespec_ns(now) - GRAIN_NS;
}

static bool read_ends(int fd, uint64_t size, uint64_t *ends)
{
    uint8_t bytes[END_SIZE];
    size_t wanted = size < END_SIZE ? (size_t)size : END_SIZE;
    if (!rts_read_all_at(fd, 0, bytes, wanted))
        return false;
    *ends = rts_hash_bytes(bytes, wanted, size);
    if (!rts_read_all_at(fd, size - wanted, bytes, wanted))
        return false;
    *ends = rts_hash_bytes(bytes, wanted, *ends);
    return true;
}

static bool read_digest(int fd, uint64_t size, uint8_t digest[RTS_SHA256_SIZE])
{
    uint8_t chunk[32768];
    struct rts_sha256 hash;
    bool whole = true;
    rts_sha256_init(&hash);
    for (uint64_t offset = 0; whole && offset < size;) {
        size_t wanted = size - offset < sizeof chunk ? (size_t)(size - offset) : sizeof chunk;
        whole = rts_read_all_at(fd, offset, chunk, wanted);
        if (whole)
            rts_sha256_update(&hash, chunk, wanted);
        offset += wanted;
    }
    rts_sha256_finish(&hash, digest);
    return whole;
}

static bool has_same_content(const struct rts_file_watch *watch)
{
    uint64_t ends;
    uint8_t digest[RTS_SHA256_SIZE];
    if (!read_ends(watch->fd, watch->stamp.size, &ends) || ends != watch->ends)
        return false;
    return !watch->whole || (read_digest(watch->fd, watch->stamp.size, digest) &&
                             memcmp(digest, watch->digest, sizeof digest) == 0);
}

struct rts_file_watch *rts_file_watch_create(int fd, struct rts_error *error)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        rts_fail_errno(error, errno, "fstat");
        return NULL;
    }
    struct rts_file_watch *watch = rts_calloc(1, sizeof *watch);
    watch->fd = fd;
    rts_file_stamp_take(&watch->stamp, &status);
    watch->fresh = is_fresh(&watch->stamp);
    watch->modified_ns = watch->stamp.modified_ns;
    watch->changed = !read_ends(fd, watch->stamp.size, &watch->ends);
    return watch;
}

void rts_file_watch_destroy(struct rts_file_watch *watch)
{
    free(watch);
}

void rts_file_watch_whole(struct rts_file_watch *watch)
{
    watch->whole = watch->stamp.size <= RTS_FILE_WATCH_WHOLE_MAX;
    if (watch->whole && !read_digest(watch->fd, watch->stamp.size, watch->digest)) {
        watch->whole = false;
        watch->changed = true;
    }
}

bool rts_file_watch_has_same_time(struct rts_file_watch *watch)
{
    struct stat status;
    struct rts_file_stamp now;
    if (watch->changed || fstat(watch->fd, &status) < 0) {
        watch->changed = true;
        return false;
    }
    rts_file_stamp_take(&now, &status);
    watch->changed = now.size != watch->stamp.size || now.modified_ns != watch->stamp.modified_ns;
    watch->touched_ns = now.changed_ns;
    watch->modified_ns = now.modified_ns;
    return !watch->changed;
}

bool rts_file_watch_is_intact(struct rts_file_watch *watch)
{
    if (!rts_file_watch_has_same_time(watch))
        return false;
    if (watch->touched_ns == watch->stamp.changed_ns && !watch->fresh)
        return true;
    struct rts_file_stamp now = {.changed_ns = watch->touched_ns};
    /* Once the last change is old enough, each further one shows in the times. */
    bool fresh = is_fresh(&now);
    watch->changed = !has_same_content(watch) || !rts_file_watch_has_same_time(watch);
    watch->stamp.changed_ns = now.changed_ns;
    watch->fresh = fresh;
    return !watch->changed;
}

bool rts_file_watch_has_changed(const struct rts_file_watch *watch)
{
    return watch->changed;
}

int64_t rts_file_watch_modified_ns(const struct rts_file_watch *watch)
{
    bool set_back = watch->changed && watch->modified_ns == watch->stamp.modified_ns;
    return set_back ? watch->touched_ns : watch->modified_ns;
}

const uint8_t *rts_file_watch_digest(const struct rts_file_watch *watch)
{
    return watch->whole ? watch->digest : NULL;
}

bool rts_file_has_own_times(int fd)
{
    /* NFS, 9P, FUSE (virtiofs too), SMB in its versions, AFS in both, Ceph. */
    static const uint32_t remote[] = {0x6969,     0x01021997, 0x65735546, 0x517b,    0xff534d42,
                                      0xfe534d42, 0x5346414f, 0x6b414653, 0x00c36400};
    struct statfs info;
    if (fstatfs(fd, &info) < 0)
        return false;
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)info.f_type == remote[i])
            return false;
    return true;
}

const struct rts_file_stamp *rts_file_watch_stamp(const struct rts_file_watch *watch)
{
    return &watch->stamp;
}
