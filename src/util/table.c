/* SPDX-License-Identifier: Apache-2.0 */
#include "util/table.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* Stands where an item was removed, so that probes go on past it. */
static char removed;

uint64_t rts_hash_u64(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 33;
    return value;
}

uint64_t rts_hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *at = bytes;
    uint64_t hash = rts_hash_u64(seed ^ size), word;
    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * 0x9fb21c651e98df25ULL;
        hash ^= hash >> 32;
    }
    for (; size > 0; at++, size--)
        hash = (hash ^ *at) * 0x100000001b3ULL;
    return rts_hash_u64(hash);
}

static struct rts_table_slot *locate(const struct rts_table *table, uint64_t hash,
                                     rts_table_same same, const void *key)
{
    if (table->capacity == 0)
        return NULL;
    for (size_t i = hash & (table->capacity - 1);; i = (i + 1) & (table->capacity - 1)) {
        struct rts_table_slot *slot = &table->slots[i];
        if (!slot->item)
            return NULL;
        if (slot->item != &removed && slot->hash == hash && same(slot->item, key))
            return slot;
    }
}

void *rts_table_find(const struct rts_table *table, uint64_t hash, rts_table_same same,
                     const void *key)
{
    struct rts_table_slot *slot = locate(table, hash, same, key);
    return slot ? slot->item : NULL;
}

static void place(struct rts_table *table, uint64_t hash, void *item)
{
    size_t i = hash & (table->capacity - 1);
    while (table->slots[i].item)
        i = (i + 1) & (table->capacity - 1);
    table->slots[i] = (struct rts_table_slot){hash, item};
}

static void resize(struct rts_table *table)
{
    struct rts_table old = *table;
    size_t capacity = 16;
    while (capacity < old.count * 4)
        capacity *= 2;
    table->slots = rts_calloc(capacity, sizeof *table->slots);
    table->capacity = capacity;
    table->used = old.count;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].item && old.slots[i].item != &removed)
            place(table, old.slots[i].hash, old.slots[i].item);
    free(old.slots);
}

void rts_table_add(struct rts_table *table, uint64_t hash, void *item)
{
    if ((table->used + 1) * 4 > table->capacity * 3)
        resize(table);
    place(table, hash, item);
    table->count++;
    table->used++;
}

void *rts_table_remove(struct rts_table *table, uint64_t hash, rts_table_same same, const void *key)
{
    struct rts_table_slot *slot = locate(table, hash, same, key);
    if (!slot)
        return NULL;
    void *item = slot->item;
    slot->item = &removed;
    table->count--;
    return item;
}

void *rts_table_next(const struct rts_table *table, size_t *position)
{
    while (*position < table->capacity) {
        void *item = table->slots[(*position)++].item;
        if (item && item != &removed)
            return item;
    }
    return NULL;
}

size_t rts_table_bytes(const struct rts_table *table)
{
    return table->capacity * sizeof *table->slots;
}

void rts_table_clear(struct rts_table *table)
{
    if (table->capacity)
        memset(table->slots, 0, table->capacity * sizeof *table->slots);
    table->count = table->used = 0;
}

void rts_table_finish(struct rts_table *table)
{
    free(table->slots);
    *table = (struct rts_table){0};
}
