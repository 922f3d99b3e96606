/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object_cache.h"

#include <stdlib.h>

#include "binary/object_cache_state.h"
#include "binary/object_state.h"
#include "util/memory.h"

/* Parts that nobody asks for in so long are of a program that does what it did before, or nothing;
 * smaller ones are not worth reading again. */
#define IDLE_NS        (60 * 1000000000ULL)
#define IDLE_BYTES_MIN 16384

/* For smaller parts room is made when they are there. */
#define ROOM_MIN (256u << 10)

static int compare_use(const void *left, const void *right)
{
    const struct rts_cached_object *a = *(struct rts_cached_object *const *)left,
                                   *b = *(struct rts_cached_object *const *)right;
    return a->last_use < b->last_use ? -1 : a->last_use > b->last_use;
}

/* All entries, in the order of `compare`; to be freed. */
static struct rts_cached_object **sort_entries(struct rts_object_cache *cache,
                                               int (*compare)(const void *, const void *))
{
    size_t position = 0, count = 0;
    struct rts_cached_object *entry,
        **entries = rts_calloc(cache->objects.count, sizeof(struct rts_cached_object *));
    while ((entry = rts_table_next(&cache->objects, &position)))
        entries[count++] = entry;
    qsort(entries, count, sizeof *entries, compare);
    return entries;
}

static int compare_asked(const void *left, const void *right)
{
    const struct rts_cached_object *a = *(struct rts_cached_object *const *)left;
    const struct rts_cached_object *b = *(struct rts_cached_object *const *)right;
    if (a->object->asks != b->object->asks)
        return a->object->asks < b->object->asks ? -1 : 1;
    return a->last_use < b->last_use ? -1 : a->last_use > b->last_use;
}

static void drop_parts(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    rts_object_drop_parts(entry->object);
    cache->share->evictions++;
}

/* Samples since the last look make an object a used one. */
static void take_seen(struct rts_object_cache *cache)
{
    size_t position = 0;
    struct rts_cached_object *entry;
    cache->clock++;
    while ((entry = rts_table_next(&cache->objects, &position))) {
        if (entry->object->seen)
            entry->last_use = cache->clock;
        entry->object->seen = false;
    }
}

void rts_object_cache_age(struct rts_object_cache *cache, uint64_t now_ns)
{
    size_t position = 0;
    struct rts_cached_object *entry;
    while ((entry = rts_table_next(&cache->objects, &position))) {
        struct rts_object *object = entry->object;
        if (object->asked)
            entry->asked_ns = now_ns;
        else if (now_ns - entry->asked_ns >= IDLE_NS &&
                 rts_object_part_bytes(object) >= IDLE_BYTES_MIN)
            drop_parts(cache, entry);
        object->asked = false;
        object->asks /= 2;
    }
}

/* Drops parts of some `excess` bytes. */
static void drop_excess(struct rts_object_cache *cache, const struct rts_object *except,
                        size_t excess)
{
    size_t freed = 0;
    take_seen(cache);
    struct rts_cached_object **entries = sort_entries(cache, compare_asked);
    for (size_t i = 0; i < cache->objects.count && freed < excess; i++) {
        size_t bytes = rts_object_part_bytes(entries[i]->object);
        if (bytes == 0 || entries[i]->object == except)
            continue;
        drop_parts(cache, entries[i]);
        freed += bytes;
    }
    free(entries);
}

void rts_object_cache_relieve(struct rts_object_cache *cache)
{
    size_t excess = rts_share_excess(cache->share);
    if (excess > 0)
        drop_excess(cache, NULL, excess);
}

void rts_object_cache_make_room(struct rts_object_cache *cache, const struct rts_object *object,
                                uint64_t bytes)
{
    const struct rts_share *share = cache->share;
    if (share->limit == 0 || bytes < ROOM_MIN || share->bytes + bytes <= share->limit)
        return;
    size_t kept = bytes < share->limit ? share->limit - (size_t)bytes : 0;
    drop_excess(cache, object, share->bytes - kept);
}

bool rts_object_cache_choose(struct rts_object_cache *cache)
{
    size_t excess = rts_share_excess(cache->share), freed = 0, closed = 0;
    size_t open = cache->objects.count;
    size_t too_many = cache->open_max && open > cache->open_max ? open - cache->open_max : 0;
    if (excess == 0 && too_many == 0)
        return false;
    take_seen(cache);
    struct rts_cached_object **entries = sort_entries(cache, compare_use);
    for (size_t i = 0; i < open && (freed < excess || closed < too_many); i++) {
        if (entries[i]->pinned)
            continue;
        entries[i]->object->unwanted = true;
        freed += entries[i]->object->counted;
        closed++;
    }
    free(entries);
    return closed > 0;
}

void rts_object_cache_trim(struct rts_object_cache *cache)
{
    size_t count = 0, doomed = 0, kept = 0;
    if (cache->objects.count == 0)
        return;
    struct rts_cached_object **entries = sort_entries(cache, compare_use);
    for (size_t i = cache->objects.count; i-- > 0;) {
        struct rts_cached_object *entry = entries[i];
        bool unwanted = entry->object->unwanted;
        entry->object->unwanted = false;
        if (entry->references > 0 || (!unwanted && kept++ < cache->limit))
            continue;
        entry->doomed = true;
        cache->share->evictions += unwanted;
        doomed++;
    }
    for (size_t i = 0; doomed > 0 && i < cache->objects.count; i++)
        if (entries[i]->doomed)
            entries[count++] = entries[i];
    if (count > 0)
        rts_object_cache_drop(cache, entries, count);
    free(entries);
}
