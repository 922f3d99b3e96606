/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object_cache.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object_cache_state.h"
#include "binary/object_state.h"
#include "util/clock.h"
#include "util/memory.h"

/* Parts that nobody asks for in so long are of a program that does what it did before, or nothing;
 * smaller ones are not worth reading again. */
#define IDLE_NS        (60 * RTS_NS_PER_S)
#define IDLE_BYTES_MIN 16384

/* That one object holds. */
#define DESCRIPTORS_MAX 3

/* For smaller parts room is made when they are there. */
#define ROOM_MIN (256u << 10)

static int compare_use(const void *left, const void *right)
{
    const struct rts_cached_object *a = *(struct rts_cached_object *const *)left,
                                   *b = *(struct rts_cached_object *const *)right;
    if (a->last_use != b->last_use)
        return a->last_use < b->last_use ? -1 : 1;
    /* Used in the same window: the older one goes first. */
    return a->object->serial < b->object->serial ? -1 : a->object->serial > b->object->serial;
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
    rts_share_evict(cache->share, entry->object->owner);
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
    struct rts_losses losses;
    rts_ledger_divide(cache->share->ledger, cache->share->limit, excess, &losses);
    take_seen(cache);
    struct rts_cached_object **entries = sort_entries(cache, compare_asked);
    for (size_t i = 0; i < cache->objects.count; i++) {
        struct rts_object *object = entries[i]->object;
        size_t bytes = rts_object_part_bytes(object);
        if (bytes > 0 && object != except && rts_losses_take(&losses, object->owner, bytes))
            drop_parts(cache, entries[i]);
    }
    free(entries);
}

void rts_object_cache_relieve(struct rts_object_cache *cache)
{
    size_t excess = rts_share_excess(cache->share);
    if (excess > 0)
        drop_excess(cache, NULL, excess);
}

void rts_object_cache_make_room(void *context, const struct rts_object *object, uint64_t bytes)
{
    struct rts_object_cache *cache = context;
    const struct rts_share *share = cache->share;
    if (share->limit == 0 || bytes < ROOM_MIN || share->bytes + bytes <= share->limit)
        return;
    size_t kept = bytes < share->limit ? share->limit - (size_t)bytes : 0;
    /* Who has it loaded has it already. */
    rts_ledger_change(share->ledger, object->owner, 0, (size_t)bytes);
    drop_excess(cache, object, share->bytes - kept);
    rts_ledger_change(share->ledger, object->owner, (size_t)bytes, 0);
}

static size_t count_open(const struct rts_object_cache *cache, struct rts_ledger *files)
{
    size_t position = 0, open = 0;
    for (const struct rts_cached_object *entry;
         (entry = rts_table_next(&cache->objects, &position));) {
        unsigned descriptors = rts_object_descriptors(entry->object);
        open += descriptors;
        rts_ledger_change(files, entry->object->owner, 0, descriptors);
    }
    return open;
}

size_t rts_object_cache_open(const struct rts_object_cache *cache)
{
    return count_open(cache, NULL);
}

bool rts_object_cache_is_crowded(const struct rts_object_cache *cache)
{
    if (cache->open_max == 0 || cache->objects.count * DESCRIPTORS_MAX <= cache->open_max)
        return false;
    return count_open(cache, NULL) > cache->open_max;
}

const struct rts_ledger *rts_object_cache_files(const struct rts_object_cache *cache)
{
    return &cache->files;
}

/* Down to seven eighths, so that not every file that is opened asks again. */
static void divide_open(struct rts_object_cache *cache, struct rts_losses *losses)
{
    memset(cache->files.used, 0, sizeof cache->files.used);
    size_t open = count_open(cache, &cache->files), max = cache->open_max;
    size_t too_many = max > 0 && open > max ? open - (max - max / 8) : 0;
    rts_ledger_divide(&cache->files, max, too_many, losses);
}

bool rts_object_cache_choose(struct rts_object_cache *cache)
{
    struct rts_losses bytes, files;
    bool any = false;
    size_t excess = rts_share_excess(cache->share);
    if (excess == 0 && !rts_object_cache_is_crowded(cache))
        return false;
    rts_ledger_divide(cache->share->ledger, cache->share->limit, excess, &bytes);
    divide_open(cache, &files);
    take_seen(cache);
    struct rts_cached_object **entries = sort_entries(cache, compare_use);
    for (size_t i = 0; i < cache->objects.count; i++) {
        struct rts_object *object = entries[i]->object;
        if (entries[i]->pinned)
            continue;
        object->unwanted = rts_losses_take(&bytes, object->owner, object->counted);
        object->unwanted |= rts_losses_take(&files, object->owner, rts_object_descriptors(object));
        any |= object->unwanted;
    }
    free(entries);
    return any;
}

/* Those that nobody references, by their owners. */
static void divide_idle(const struct rts_object_cache *cache, struct rts_losses *losses)
{
    struct rts_ledger idle = {0};
    size_t position = 0, count = 0;
    for (const struct rts_cached_object *entry;
         (entry = rts_table_next(&cache->objects, &position));) {
        bool is_idle = entry->references == 0 && !entry->object->unwanted;
        rts_ledger_change(&idle, entry->object->owner, 0, is_idle);
        count += is_idle;
    }
    rts_ledger_divide(&idle, cache->limit, count > cache->limit ? count - cache->limit : 0, losses);
}

void rts_object_cache_trim(struct rts_object_cache *cache)
{
    size_t count = 0, doomed = 0;
    struct rts_losses losses;
    if (cache->objects.count == 0)
        return;
    divide_idle(cache, &losses);
    struct rts_cached_object **entries = sort_entries(cache, compare_use);
    for (size_t i = 0; i < cache->objects.count; i++) {
        struct rts_cached_object *entry = entries[i];
        unsigned owner = entry->object->owner;
        bool unwanted = entry->object->unwanted;
        entry->object->unwanted = false;
        if (entry->references > 0 || (!unwanted && !rts_losses_take(&losses, owner, 1)))
            continue;
        entry->doomed = true;
        if (unwanted)
            rts_share_evict(cache->share, owner);
        doomed++;
    }
    for (size_t i = 0; doomed > 0 && i < cache->objects.count; i++)
        if (entries[i]->doomed)
            entries[count++] = entries[i];
    if (count > 0)
        rts_object_cache_drop(cache, entries, count);
    free(entries);
}
