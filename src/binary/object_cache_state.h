/* SPDX-License-Identifier: Apache-2.0 */
/* Between object_cache.c (what others call), object_cache_trim.c (what goes, and when) and
 * object_cache_tables.c (what is there, below both). */
#ifndef RTS_BINARY_OBJECT_CACHE_STATE_H
#define RTS_BINARY_OBJECT_CACHE_STATE_H

#include "binary/object_cache.h"
#include "binary/object_state.h"
#include "util/table.h"

/* An entry with its places in tables; a further name of one. */
#define ENTRY_BYTES 320
#define NAME_BYTES  160

struct rts_cached_object {
    struct rts_object *object;
    struct rts_file_identity identity; /* of its file when it was opened */
    uint64_t references;
    uint64_t last_use; /* by the cache's clock: of the object; */
    uint64_t asked_ns; /* the same, by the caller's clock */
    bool pinned;       /* the cache uses it itself */
    bool doomed;       /* about to be dropped */
};

/* A file that is looked for. */
struct rts_object_lookup {
    struct rts_file_identity identity;
    int64_t changed_ns;
};

/* One identity of an object, or of a file that failed. An object is kept open, which keeps its own
 * inode from being used again, and tells when it is overwritten. The file of a copy is closed:
 * there the time of its last change of any kind, which nobody can set back, tells it from a later
 * one. */
struct rts_object_name {
    struct rts_file_identity identity;
    int64_t changed_ns;              /* 0: not compared */
    struct rts_cached_object *entry; /* NULL: `failure` holds the reason */
    struct rts_error *failure;
    unsigned owner; /* of a failure */
};

struct rts_object_cache {
    struct rts_object_host host; /* what objects know of it */
    size_t limit;
    uint64_t clock;
    struct rts_table names;   /* struct rts_object_name, by identity */
    struct rts_table objects; /* struct rts_cached_object, by object */
    struct rts_table builds; /* struct rts_cached_object, by build-id and size; the first of each */
    size_t failures;
    struct rts_ledger failed; /* whose they are */
    struct rts_object *vdso;
    bool vdso_tried;
    struct rts_hash_cache *hashes; /* NULL: none */
    unsigned unread_files;         /* with debug information that cannot be read */
    struct rts_share own, *share;  /* the one in use; its own until it is given another */
    size_t open_max;               /* descriptors; 0: none */
    struct rts_ledger files;       /* whose they are, when it was looked last */
    void (*forgotten)(void *context, uint32_t serial); /* NULL: nobody asks */
    void *context;
};

/* object_cache_trim.c: see struct rts_object_host; `cache` is the context. */
void rts_object_cache_make_room(void *cache, const struct rts_object *object, uint64_t bytes);

/* object_cache_tables.c: the entry of an object; the first one of a file with its build-id and
 * size; the name of a file. NULL: there is none. */
struct rts_cached_object *rts_object_cache_find(const struct rts_object_cache *cache,
                                                const struct rts_object *object);
struct rts_cached_object *rts_object_cache_find_build(const struct rts_object_cache *cache,
                                                      const struct rts_object *object);
struct rts_object_name *rts_object_cache_find_name(const struct rts_object_cache *cache,
                                                   const struct rts_object_lookup *lookup);

/* Takes in an object, which becomes the cache's; a name of an entry, or of a failure (NULL). */
struct rts_cached_object *rts_object_cache_add(struct rts_object_cache *cache,
                                               struct rts_object *object);
struct rts_object_name *rts_object_cache_add_name(struct rts_object_cache *cache,
                                                  const struct rts_object_lookup *lookup,
                                                  struct rts_cached_object *entry);

/* A name is gone; objects of this build-id and size are not found by it any more. */
void rts_object_cache_forget_name(struct rts_object_cache *cache, struct rts_object_name *name);
void rts_object_cache_forget_build(struct rts_object_cache *cache, const struct rts_object *object);

/* Drops `count` entries that are doomed, with their names; drops all, and the tables. */
void rts_object_cache_drop(struct rts_object_cache *cache, struct rts_cached_object **entries,
                           size_t count);
void rts_object_cache_drop_all(struct rts_object_cache *cache);

#endif
