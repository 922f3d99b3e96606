/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/stack_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/table.h"

/* Of an entry in the list and in the index. */
#define PLACE_BYTES (2 * sizeof(void *) + 2 * sizeof(struct rts_table_slot))

struct rts_stack_table {
    struct rts_table index;
    struct rts_stack_entry **entries; /* each one block with its frames behind it */
    size_t count;
    size_t capacity;
    size_t bytes;                 /* of all entries */
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

struct stack_key {
    uint64_t instance;
    const struct rts_frame *frames;
    uint32_t frame_count;
};

struct rts_stack_table *rts_stack_table_create(void)
{
    struct rts_stack_table *table = rts_calloc(1, sizeof *table);
    table->share = &table->own;
    return table;
}

void rts_stack_table_use_share(struct rts_stack_table *table, struct rts_share *share)
{
    table->share = share;
}

void rts_stack_table_destroy(struct rts_stack_table *table)
{
    if (!table)
        return;
    rts_stack_table_clear(table);
    rts_table_finish(&table->index);
    free(table->entries);
    free(table);
}

/* Field by field: the padding of struct rts_frame has no defined content. */
static uint64_t hash_key(const struct stack_key *key)
{
    uint64_t hash = rts_hash_u64(key->instance + key->frame_count);
    for (uint32_t i = 0; i < key->frame_count; i++) {
        const struct rts_frame *frame = &key->frames[i];
        hash = rts_hash_u64(hash ^ frame->vaddr);
        hash = rts_hash_u64(hash + (uintptr_t)frame->object + frame->load_base);
    }
    return hash;
}

static bool same_frame(const struct rts_frame *a, const struct rts_frame *b)
{
    return a->vaddr == b->vaddr && a->object == b->object && a->load_base == b->load_base;
}

static bool same_stack(const void *item, const void *key)
{
    const struct rts_stack_entry *entry = item;
    const struct stack_key *wanted = key;
    if (entry->instance != wanted->instance || entry->frame_count != wanted->frame_count)
        return false;
    for (uint32_t i = 0; i < wanted->frame_count; i++)
        if (!same_frame(&entry->frames[i], &wanted->frames[i]))
            return false;
    return true;
}

static struct rts_stack_entry *insert(struct rts_stack_table *table, const struct stack_key *key,
                                      uint64_t hash)
{
    size_t frames_size = key->frame_count * sizeof(struct rts_frame);
    struct rts_stack_entry *entry = rts_calloc(1, sizeof *entry + frames_size);
    entry->instance = key->instance;
    entry->first_ns = UINT64_MAX;
    entry->frame_count = key->frame_count;
    entry->frames = (struct rts_frame *)(entry + 1);
    if (frames_size)
        memcpy(entry->frames, key->frames, frames_size);
    table->entries =
        rts_grow(table->entries, table->count, &table->capacity, sizeof *table->entries);
    table->entries[table->count++] = entry;
    size_t bytes = rts_heap_bytes(sizeof *entry + frames_size) + PLACE_BYTES;
    table->bytes += bytes;
    rts_share_add(table->share, bytes);
    rts_table_add(&table->index, hash, entry);
    return entry;
}

void rts_stack_table_add(struct rts_stack_table *table, uint64_t instance, uint64_t time_ns,
                         const struct rts_frame *frames, uint32_t frame_count)
{
    struct stack_key key = {instance, frames, frame_count};
    uint64_t hash = hash_key(&key);
    struct rts_stack_entry *entry = rts_table_find(&table->index, hash, same_stack, &key);
    if (!entry)
        entry = insert(table, &key, hash);
    entry->samples++;
    /* Rings of several CPUs are drained one after the other, so an earlier sample may come later.
     */
    if (time_ns < entry->first_ns)
        entry->first_ns = time_ns;
}

size_t rts_stack_table_size(const struct rts_stack_table *table)
{
    return table->count;
}

size_t rts_stack_table_bytes(const struct rts_stack_table *table)
{
    return table->bytes;
}

const struct rts_stack_entry *rts_stack_table_entry(const struct rts_stack_table *table, size_t i)
{
    return table->entries[i];
}

void rts_stack_table_clear(struct rts_stack_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i]);
    rts_share_take(table->share, table->bytes);
    table->count = table->bytes = 0;
    rts_table_clear(&table->index);
}
