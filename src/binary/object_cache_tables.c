/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of an object cache: by object, by build-id, and by what tells files apart. */
#include "binary/object_cache_state.h"

#include <stdlib.h>
#include <string.h>

#include "binary/build_id.h"
#include "binary/object_state.h"
#include "util/memory.h"

static uint64_t hash_identity(const struct rts_file_identity *identity)
{
    return rts_hash_bytes(identity, sizeof *identity, 0);
}

static bool same_identity(const void *item, const void *key)
{
    const struct rts_object_name *name = item;
    const struct rts_object_lookup *lookup = key;
    return memcmp(&name->identity, &lookup->identity, sizeof name->identity) == 0 &&
           (name->changed_ns == 0 || name->changed_ns == lookup->changed_ns);
}

static bool is_name(const void *item, const void *key)
{
    return item == key;
}

static bool same_object(const void *item, const void *key)
{
    return ((const struct rts_cached_object *)item)->object == key;
}

/* Files of one build-id that are of another size are not copies. */
static bool same_build(const void *item, const void *key)
{
    const struct rts_object *object = ((const struct rts_cached_object *)item)->object;
    const struct rts_object *wanted = key;
    return object->image.size == wanted->image.size &&
           rts_build_id_same(rts_object_build_id(object), rts_object_build_id(wanted));
}

static uint64_t hash_object(const struct rts_object *object)
{
    return rts_hash_u64(rts_object_serial(object));
}

static uint64_t hash_build(const struct rts_object *object)
{
    const struct rts_build_id *build_id = rts_object_build_id(object);
    return rts_hash_bytes(build_id->bytes, build_id->size, object->image.size);
}

struct rts_cached_object *rts_object_cache_find(const struct rts_object_cache *cache,
                                                const struct rts_object *object)
{
    return rts_table_find(&cache->objects, hash_object(object), same_object, object);
}

struct rts_object_name *rts_object_cache_find_name(const struct rts_object_cache *cache,
                                                   const struct rts_object_lookup *lookup)
{
    return rts_table_find(&cache->names, hash_identity(&lookup->identity), same_identity, lookup);
}

struct rts_cached_object *rts_object_cache_find_build(const struct rts_object_cache *cache,
                                                      const struct rts_object *object)
{
    return rts_table_find(&cache->builds, hash_build(object), same_build, object);
}

void rts_object_cache_forget_build(struct rts_object_cache *cache, const struct rts_object *object)
{
    rts_table_remove(&cache->builds, hash_build(object), same_build, object);
}

struct rts_object_name *rts_object_cache_add_name(struct rts_object_cache *cache,
                                                  const struct rts_object_lookup *lookup,
                                                  struct rts_cached_object *entry)
{
    struct rts_object_name *name = rts_calloc(1, sizeof *name);
    name->identity = lookup->identity;
    name->entry = entry;
    rts_table_add(&cache->names, hash_identity(&name->identity), name);
    return name;
}

void rts_object_cache_forget_name(struct rts_object_cache *cache, struct rts_object_name *name)
{
    rts_table_remove(&cache->names, hash_identity(&name->identity), is_name, name);
    if (name->failure) {
        cache->failures--;
        rts_ledger_change(&cache->failed, name->owner, 1, 0);
    }
    free(name->failure);
    free(name);
}

/* Of several objects with one build-id and size the first is found by them. */
static void add_build(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    uint64_t hash = hash_build(entry->object);
    if (rts_object_build_id(entry->object)->size > 0 &&
        !rts_table_find(&cache->builds, hash, same_build, entry->object))
        rts_table_add(&cache->builds, hash, entry);
}

struct rts_cached_object *rts_object_cache_add(struct rts_object_cache *cache,
                                               struct rts_object *object)
{
    struct rts_cached_object *entry = rts_calloc(1, sizeof *entry);
    entry->object = object;
    rts_object_use_share(object, cache->share);
    object->host = &cache->host;
    rts_object_charge(object, ENTRY_BYTES);
    rts_table_add(&cache->objects, hash_object(object), entry);
    add_build(cache, entry);
    return entry;
}

static void drop_entry(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    rts_table_remove(&cache->objects, hash_object(entry->object), same_object, entry->object);
    if (cache->forgotten)
        cache->forgotten(cache->context, rts_object_serial(entry->object));
    rts_object_destroy(entry->object);
    free(entry);
}

/* Build-ids may be shared by files that differ, so the table of their first is made anew. */
static void index_builds(struct rts_object_cache *cache)
{
    size_t position = 0;
    struct rts_cached_object *entry;
    rts_table_clear(&cache->builds);
    while ((entry = rts_table_next(&cache->objects, &position)))
        add_build(cache, entry);
}

void rts_object_cache_drop(struct rts_object_cache *cache, struct rts_cached_object **entries,
                           size_t count)
{
    size_t position = 0;
    struct rts_object_name *name;
    while ((name = rts_table_next(&cache->names, &position)))
        if (name->entry && name->entry->doomed)
            rts_object_cache_forget_name(cache, name);
    for (size_t i = 0; i < count; i++)
        drop_entry(cache, entries[i]);
    index_builds(cache);
}

void rts_object_cache_drop_all(struct rts_object_cache *cache)
{
    size_t position = 0;
    struct rts_object_name *name;
    struct rts_cached_object *entry;
    while ((name = rts_table_next(&cache->names, &position)))
        rts_object_cache_forget_name(cache, name);
    position = 0;
    while ((entry = rts_table_next(&cache->objects, &position)))
        drop_entry(cache, entry);
    rts_table_finish(&cache->names);
    rts_table_finish(&cache->objects);
    rts_table_finish(&cache->builds);
}
