/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/hash_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/file_replace.h"
#include "util/hex.h"
#include "util/memory.h"
#include "util/own_folder.h"
#include "util/table.h"

#define FILE_NAME "file-hashes"
#define HEADER    "rtsample file hashes 1\n"

/* Longer than any entry is as text. */
#define LINE_SIZE 512

/* Times of files advance by ticks, of 10 ms at most; some file systems keep whole seconds. */
#define SETTLED_SECONDS 3

/* Of the beginning and of the end of a file. */
#define PROBE_SIZE 4096

struct key {
    uint64_t device, inode, size;
    int64_t modified_s, modified_ns, changed_s, changed_ns;
    uint64_t probe; /* of its first and last bytes */
};

struct entry {
    struct key key;
    char hex[RTS_SHA256_HEX_SIZE];
    uint64_t last_use;
};

struct rts_hash_cache {
    char *path;
    struct rts_table entries;
    uint64_t clock;
    bool changed;
};

/* ---- keys ---- */

static bool read_probe(int fd, uint64_t size, uint64_t *probe)
{
    uint8_t bytes[2 * PROBE_SIZE] = {0}, digest[RTS_SHA256_SIZE];
    off_t last = size > PROBE_SIZE ? (off_t)(size - PROBE_SIZE) : 0;
    if (pread(fd, bytes, PROBE_SIZE, 0) < 0 || pread(fd, bytes + PROBE_SIZE, PROBE_SIZE, last) < 0)
        return false;
    rts_sha256_bytes(bytes, sizeof bytes, digest);
    memcpy(probe, digest, sizeof *probe);
    return true;
}

static bool read_key(int fd, struct stat *status, struct key *key)
{
    *key = (struct key){0};
    if (fd < 0 || fstat(fd, status) < 0 || !S_ISREG(status->st_mode) || status->st_size < 0)
        return false;
    key->device = status->st_dev;
    key->inode = status->st_ino;
    key->size = (uint64_t)status->st_size;
    key->modified_s = status->st_mtim.tv_sec;
    key->modified_ns = status->st_mtim.tv_nsec;
    key->changed_s = status->st_ctim.tv_sec;
    key->changed_ns = status->st_ctim.tv_nsec;
    return read_probe(fd, key->size, &key->probe);
}

static uint64_t hash_of(const struct key *key)
{
    return rts_hash_bytes(key, sizeof *key, 0);
}

static bool same_key(const void *item, const void *key)
{
    return memcmp(&((const struct entry *)item)->key, key, sizeof(struct key)) == 0;
}

static void add(struct rts_hash_cache *cache, const struct key *key, const char *hex)
{
    struct entry *entry = rts_table_find(&cache->entries, hash_of(key), same_key, key);
    if (!entry) {
        entry = rts_calloc(1, sizeof *entry);
        entry->key = *key;
        rts_table_add(&cache->entries, hash_of(key), entry);
    }
    memcpy(entry->hex, hex, sizeof entry->hex);
    entry->last_use = ++cache->clock;
}

/* ---- as text ---- */

/* The words of an entry, without the check behind them. */
static void format_entry(const struct entry *entry, char line[LINE_SIZE])
{
    const struct key *key = &entry->key;
    snprintf(line, LINE_SIZE,
             "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64
             " %" PRIx64 " %s",
             key->device, key->inode, key->size, (uint64_t)key->modified_s,
             (uint64_t)key->modified_ns, (uint64_t)key->changed_s, (uint64_t)key->changed_ns,
             key->probe, entry->hex);
}

static void check_of(const char *line, char hex[RTS_SHA256_HEX_SIZE])
{
    uint8_t digest[RTS_SHA256_SIZE];
    rts_sha256_bytes(line, strlen(line), digest);
    rts_sha256_hex(digest, hex);
}

static bool is_hash(const char *hex)
{
    return strlen(hex) == RTS_SHA256_HEX_SIZE - 1 &&
           strspn(hex, RTS_HEX_DIGITS) == RTS_SHA256_HEX_SIZE - 1;
}

/* Takes in one line, unless it is damaged. */
static void take_line(struct rts_hash_cache *cache, char *line)
{
    struct entry entry = {0};
    uint64_t times[4];
    char check[RTS_SHA256_HEX_SIZE];
    char *last = strrchr(line, ' ');
    if (!last)
        return;
    *last++ = '\0';
    check_of(line, check);
    if (strcmp(last, check) != 0 ||
        sscanf(line,
               "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
               " %" SCNx64 " %64s",
               &entry.key.device, &entry.key.inode, &entry.key.size, &times[0], &times[1],
               &times[2], &times[3], &entry.key.probe, entry.hex) != 9 ||
        !is_hash(entry.hex))
        return;
    entry.key.modified_s = (int64_t)times[0];
    entry.key.modified_ns = (int64_t)times[1];
    entry.key.changed_s = (int64_t)times[2];
    entry.key.changed_ns = (int64_t)times[3];
    add(cache, &entry.key, entry.hex);
}

static void read_all(struct rts_hash_cache *cache, FILE *file)
{
    char line[LINE_SIZE];
    if (!fgets(line, sizeof line, file) || strcmp(line, HEADER) != 0)
        return;
    for (size_t i = 0; i < RTS_HASH_CACHE_MAX && fgets(line, sizeof line, file); i++) {
        line[strcspn(line, "\n")] = '\0';
        take_line(cache, line);
    }
}

/* ---- opening and closing ---- */

/* Is it ours alone? */
static bool is_private(const struct stat *status)
{
    return (status->st_uid == geteuid() || status->st_uid == 0) &&
           !(status->st_mode & (S_IWGRP | S_IWOTH));
}

struct rts_hash_cache *rts_hash_cache_open(const char *directory, struct rts_error *error)
{
    RTS_CLOSE int folder = rts_own_folder_open(AT_FDCWD, directory, directory, "the cache", error);
    if (folder < 0)
        return NULL;
    struct rts_hash_cache *cache = rts_calloc(1, sizeof *cache);
    size_t size = strlen(directory) + sizeof "/" FILE_NAME;
    cache->path = rts_calloc(1, size);
    snprintf(cache->path, size, "%s/" FILE_NAME, directory);
    int fd = openat(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    RTS_FCLOSE FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_private(&status))
        read_all(cache, file);
    return cache;
}

static int by_use(const void *left, const void *right)
{
    const struct entry *a = *(struct entry *const *)left, *b = *(struct entry *const *)right;
    return a->last_use > b->last_use ? -1 : a->last_use < b->last_use;
}

/* Those that were asked for last come last, as they would in a file that is only added to. */
static int write_all(struct rts_hash_cache *cache, struct rts_error *error)
{
    size_t count = 0, position = 0;
    struct entry **sorted = rts_calloc(cache->entries.count + 1, sizeof(void *)), *entry;
    while ((entry = rts_table_next(&cache->entries, &position)))
        sorted[count++] = entry;
    qsort(sorted, count, sizeof *sorted, by_use);
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, HEADER);
    for (size_t i = count < RTS_HASH_CACHE_MAX ? count : RTS_HASH_CACHE_MAX; i-- > 0;) {
        char line[LINE_SIZE], check[RTS_SHA256_HEX_SIZE];
        format_entry(sorted[i], line);
        check_of(line, check);
        rts_buffer_format(&text, "%s %s\n", line, check);
    }
    free(sorted);
    int result = rts_file_replace(cache->path, text.data, text.size, 0600, RTS_ATOMIC, error);
    rts_buffer_finish(&text);
    return result;
}

int rts_hash_cache_close(struct rts_hash_cache *cache, struct rts_error *error)
{
    if (!cache)
        return 0;
    int result = cache->changed ? write_all(cache, error) : 0;
    size_t position = 0;
    void *entry;
    while ((entry = rts_table_next(&cache->entries, &position)))
        free(entry);
    rts_table_finish(&cache->entries);
    free(cache->path);
    free(cache);
    return result;
}

/* ---- use ---- */

bool rts_hash_cache_find(struct rts_hash_cache *cache, int fd, char hex[RTS_SHA256_HEX_SIZE])
{
    struct stat status;
    struct key key;
    if (cache->entries.count == 0 || !read_key(fd, &status, &key))
        return false;
    struct entry *entry = rts_table_find(&cache->entries, hash_of(&key), same_key, &key);
    if (!entry)
        return false;
    entry->last_use = ++cache->clock;
    memcpy(hex, entry->hex, sizeof entry->hex);
    return true;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The next change would certainly leave another time. */
static bool has_settled(const struct stat *status)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
           status->st_ctim.tv_sec + SETTLED_SECONDS <= now.tv_sec &&
           status->st_mtim.tv_sec + SETTLED_SECONDS <= now.tv_sec;
}

void rts_hash_cache_add(struct rts_hash_cache *cache, int fd, const struct stat *before,
                        const char *hex)
{
    struct stat after;
    struct key key;
    if (!is_hash(hex) || !has_settled(before) || !read_key(fd, &after, &key) ||
        after.st_dev != before->st_dev || after.st_ino != before->st_ino ||
        after.st_size != before->st_size || !same_time(after.st_mtim, before->st_mtim) ||
        !same_time(after.st_ctim, before->st_ctim))
        return;
    add(cache, &key, hex);
    cache->changed = true;
}
