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
    /* The root directory whose debug files are searched: an object takes names from there, so one
     * container must not choose them for another. Both 0: our own root. */
    uint64_t root_device;
    uint64_t root_inode;
};

/* `limit`: objects kept without a user. Never NULL. */
struct rts_object_cache *rts_object_cache_create(size_t limit);
void rts_object_cache_destroy(struct rts_object_cache *cache);

/* Has the objects that are made from now on use this cache of hashes. */
void rts_object_cache_use_hashes(struct rts_object_cache *cache, struct rts_hash_cache *hashes);

/* The object of the file behind `fd` (ownership taken in every case): an existing one when fstat()
 * says it is the same file, or when build-id and content are the same (the same library in several
 * containers; a build-id alone can be forged); else a new one. Increments its reference count.
 * Fails as rts_object_open() does; a failure is remembered for that identity and is cheap the next
 * time. */
struct rts_object *rts_object_cache_get(struct rts_object_cache *cache, int fd, const char *path,
                                        const struct rts_debug_search *search,
                                        struct rts_error *error);

/* The object of this build-id if it is cached already, with its count incremented, else NULL. */
struct rts_object *rts_object_cache_find_build_id(struct rts_object_cache *cache,
                                                  const struct rts_build_id *build_id);

/* The vDSO of this machine, taken from our own address space; NULL when there is none. Increments
 * its reference count. */
struct rts_object *rts_object_cache_vdso(struct rts_object_cache *cache);

void rts_object_cache_ref(struct rts_object_cache *cache, struct rts_object *object);
void rts_object_cache_unref(struct rts_object_cache *cache, struct rts_object *object);

/* Frees the least recently used objects that nobody references, down to the limit. */
void rts_object_cache_trim(struct rts_object_cache *cache);

#endif
