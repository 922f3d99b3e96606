/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/recorder_known.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

struct place {
    uint64_t number, bias, load_base;
    uint64_t module; /* a digest of the name; 0: none */
    uint32_t serial;
};

/* Something that is known by a number, with a digest of what was said of it. */
struct item {
    uint64_t number, digest;
};

/* An entry, with its place in a table. */
#define SLOT_BYTES (2 * sizeof(struct rts_table_slot))
#define ITEM_BYTES (rts_heap_bytes(sizeof(struct item)) + SLOT_BYTES)

static void forget(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_finish(table);
}

static void forget_all(struct rts_known *known)
{
    forget(&known->mappings);
    forget(&known->places);
    forget(&known->files);
    forget(&known->processes);
    forget(&known->threads);
    forget(&known->file_packages);
    forget(&known->function_packages);
}

void rts_known_finish(struct rts_known *known)
{
    forget_all(known);
    forget(&known->listed);
    rts_table_finish(&known->mappings);
    rts_table_finish(&known->places);
    rts_table_finish(&known->files);
    rts_table_finish(&known->processes);
    rts_table_finish(&known->threads);
    rts_table_finish(&known->listed);
    rts_table_finish(&known->file_packages);
    rts_table_finish(&known->function_packages);
    if (known->share)
        rts_share_take(known->share, known->counted);
    known->counted = 0;
}

static size_t bytes_of(const struct rts_known *known)
{
    size_t items = known->files.count + known->processes.count + known->threads.count +
                   known->listed.count + known->file_packages.count +
                   known->function_packages.count;
    return known->mappings.count * (rts_heap_bytes(sizeof(struct rts_known_mapping)) + SLOT_BYTES) +
           known->places.count * (rts_heap_bytes(sizeof(struct place)) + SLOT_BYTES) +
           items * ITEM_BYTES;
}

static bool is_full(const struct rts_table *table)
{
    return table->count >= RTS_KNOWN_MAX;
}

void rts_known_bound(struct rts_known *known)
{
    struct rts_share *share = known->share;
    size_t bytes = bytes_of(known);
    bool over = share && share->limit > 0 && bytes > share->limit / 2;
    if (over || is_full(&known->mappings) || is_full(&known->places) || is_full(&known->files) ||
        is_full(&known->processes) || is_full(&known->threads) || is_full(&known->file_packages) ||
        is_full(&known->function_packages)) {
        forget_all(known);
        bytes = bytes_of(known);
        if (share)
            share->evictions++;
    }
    if (share)
        rts_share_change(share, known->counted, bytes);
    known->counted = bytes;
}

static bool same_mapping(const void *item, const void *key)
{
    const struct rts_known_mapping *a = item, *b = key;
    return a->instance == b->instance && a->start == b->start && a->end == b->end &&
           a->from_ns == b->from_ns;
}

struct rts_known_mapping *rts_known_mapping(struct rts_known *known, uint64_t instance,
                                            uint64_t start, uint64_t end, uint64_t from_ns)
{
    const struct rts_known_mapping key = {
        .instance = instance,
        .start = start,
        .end = end,
        .from_ns = from_ns,
    };
    uint64_t hash = rts_hash_u64(instance ^ rts_hash_u64(start ^ rts_hash_u64(from_ns)));
    struct rts_known_mapping *found = rts_table_find(&known->mappings, hash, same_mapping, &key);
    if (!found) {
        found = rts_calloc(1, sizeof *found);
        *found = key;
        rts_table_add(&known->mappings, hash, found);
    }
    return found;
}

static bool same_place(const void *item, const void *key)
{
    const struct place *a = item, *b = key;
    return a->serial == b->serial && a->bias == b->bias && a->load_base == b->load_base &&
           a->module == b->module;
}

uint64_t rts_known_place(struct rts_known *known, uint32_t serial, uint64_t bias,
                         uint64_t load_base, const char *module, bool *is_new)
{
    const struct place key = {
        .serial = serial,
        .bias = bias,
        .load_base = load_base,
        .module = module ? rts_hash_bytes(module, strlen(module), 0) : 0,
    };
    uint64_t hash = rts_hash_u64(serial ^ rts_hash_u64(bias));
    struct place *place = rts_table_find(&known->places, hash, same_place, &key);
    *is_new = !place;
    if (!place) {
        place = rts_calloc(1, sizeof *place);
        *place = key;
        place->number = known->places.count;
        rts_table_add(&known->places, hash, place);
    }
    return place->number;
}

static bool same_number(const void *item, const void *key)
{
    return ((const struct item *)item)->number == *(const uint64_t *)key;
}

static struct item *find_item(const struct rts_table *table, uint64_t number)
{
    return rts_table_find(table, rts_hash_u64(number), same_number, &number);
}

/* True when the number is new in the table, or what is said of it is. */
static bool take_item(struct rts_table *table, uint64_t number, uint64_t digest)
{
    struct item *item = find_item(table, number);
    bool news = !item || item->digest != digest;
    if (!item) {
        item = rts_calloc(1, sizeof *item);
        item->number = number;
        rts_table_add(table, rts_hash_u64(number), item);
    }
    item->digest = digest;
    return news;
}

bool rts_known_file(struct rts_known *known, uint32_t serial)
{
    return take_item(&known->files, serial, 0);
}

bool rts_known_thread(struct rts_known *known, int32_t tid)
{
    return take_item(&known->threads, (uint32_t)tid, 0);
}

bool rts_known_listed(struct rts_known *known, const char *path)
{
    uint64_t digest = rts_hash_bytes(path, strlen(path), 0);
    size_t limit = known->share ? known->share->limit / 8 / ITEM_BYTES : 0;
    return known->listed.count < (limit ? limit : RTS_KNOWN_MAX) &&
           take_item(&known->listed, digest, 0);
}

bool rts_known_has_process(const struct rts_known *known, uint64_t instance)
{
    return find_item(&known->processes, instance);
}

bool rts_known_process(struct rts_known *known, uint64_t instance, const void *bytes, size_t size)
{
    return take_item(&known->processes, instance, rts_hash_bytes(bytes, size, 0));
}

enum rts_known_package rts_known_package(struct rts_known *known, uint32_t serial,
                                         const char *function, uint64_t digest)
{
    const struct item *file = find_item(&known->file_packages, serial);
    if (!file) {
        take_item(&known->file_packages, serial, digest);
        return RTS_NEW_PACKAGE_OF_FILE;
    }
    uint64_t number = rts_hash_bytes(function, strlen(function), serial);
    /* What was said of the function itself counts, and once it was, it has to be kept up. */
    if (file->digest == digest && !find_item(&known->function_packages, number))
        return RTS_KNOWN_PACKAGE;
    return take_item(&known->function_packages, number, digest) ? RTS_NEW_PACKAGE_OF_FUNCTION
                                                                : RTS_KNOWN_PACKAGE;
}
