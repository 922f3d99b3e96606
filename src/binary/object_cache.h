/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All objects of a run, one per file identity: a file that many processes map is parsed once. The
 * cache holds a reference of its own and drops the least recently used objects beyond its limit, in
 * rts_object_cache_trim() only; so a pointer stays valid between two trims even without a
 * reference. A closed file cannot be told from a new one with the same inode, so the cache keeps
 * the files of its objects open.
 */
#ifndef RTS_BINARY_OBJECT_CACHE_H
#define RTS_BINARY_OBJECT_CACHE_H

#include "binary/object.h"

struct rts_object_cache;

/* What tells one file from another. */
struct rts_file_identity {
    uint64_t device; /* st_dev */
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    /* Where it was seen, as struct rts_debug_search tells: names and packages are found by the path
     * in a root directory, so nobody must choose them for what others have mapped from elsewhere,
     * and be it the same file. All 0: our own root. */
    uint64_t root_device;
    uint64_t root_inode;
    uint64_t namespace;
    uint64_t path_hash;
};

/* `limit`: objects kept without a user. Never NULL. */
struct rts_object_cache *rts_object_cache_create(size_t limit);
void rts_object_cache_destroy(struct rts_object_cache *cache);

/* Has the objects that are made from now on use this cache of hashes. */
void rts_object_cache_use_hashes(struct rts_object_cache *cache, struct rts_hash_cache *hashes);

/* The object of the file behind `fd` (ownership taken in every case) as it is seen at `path`: an
 * existing one when fstat() says it is the same file, or when build-id and content are the same (a
 * file that was replaced by one like it; a build-id alone can be forged); else a new one.
 * Increments its reference count. Fails as rts_object_open() does; a failure is remembered for that
 * identity and is cheap the next time. */
struct rts_object *rts_object_cache_get(struct rts_object_cache *cache, int fd, const char *path,
                                        const struct rts_debug_search *search,
                                        struct rts_error *error);

/* The vDSO of this machine, taken from our own address space; NULL when there is none. Increments
 * its reference count. */
struct rts_object *rts_object_cache_vdso(struct rts_object_cache *cache);

void rts_object_cache_ref(struct rts_object_cache *cache, struct rts_object *object);
void rts_object_cache_unref(struct rts_object_cache *cache, struct rts_object *object);

/* Counts there from now on what objects take, and keeps to its limit; see below. It must outlive
 * the cache. */
void rts_object_cache_use_share(struct rts_object_cache *cache, struct rts_share *share);

/* Descriptors that objects may hold at the same time; 0: as many as come. */
void rts_object_cache_limit_open(struct rts_object_cache *cache, size_t count);

/* How many they hold. */
size_t rts_object_cache_open(const struct rts_object_cache *cache);

/* Do they hold more? */
bool rts_object_cache_is_crowded(const struct rts_object_cache *cache);

/* Whose descriptors they were, when there were too many last. */
const struct rts_ledger *rts_object_cache_files(const struct rts_object_cache *cache);

/*
 * When anything below is let go of, it is of owners that have more than their fair share of it
 * (util/ledger.h), and of theirs by the rules below.
 */

/*
 * Four steps give memory back, the gentlest first; all are for moments when nobody holds what an
 * object handed out (names, aliases, CFI).
 *
 * age, at the end of each window: parts are freed that nobody asked for in a minute, by any clock,
 * to be read again when they are.
 */
void rts_object_cache_age(struct rts_object_cache *cache, uint64_t now_ns);

/* relieve: when the share is over its limit, more parts are freed: those first that were asked for
 * least often of late, which are not those of a library that all programs use. */
void rts_object_cache_relieve(struct rts_object_cache *cache);

/* choose: when there is still too much, or too many are open, marks objects as unwanted, those
 * first that no sample was taken in for longest, whoever references them. Their users are to let go
 * of them, to open the files again on need. True when there is any. No stack may hold an object any
 * more. */
bool rts_object_cache_choose(struct rts_object_cache *cache);

/* trim: frees what is unwanted, and the least recently used objects beyond the limit given at
 * creation; nothing that is referenced. */
void rts_object_cache_trim(struct rts_object_cache *cache);

/* Calls `forgotten` with the serial of each object that is freed from now on. */
void rts_object_cache_tell(struct rts_object_cache *cache,
                           void (*forgotten)(void *context, uint32_t serial), void *context);

#endif
