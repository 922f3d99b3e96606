/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of pointers the caller owns, open addressing with linear probing. Zero-initialise.
 * The caller computes the hash (rts_hash_bytes, rts_hash_u64) and says when an item has a key.
 */
#ifndef RTS_UTIL_TABLE_H
#define RTS_UTIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rts_table_slot {
    uint64_t hash;
    void *item; /* NULL: never used, or removed (see table.c) */
};

struct rts_table {
    struct rts_table_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;    /* items held */
    size_t used;     /* slots that a probe must pass: items and removed ones */
};

typedef bool (*rts_table_same)(const void *item, const void *key);

/* Mixes bytes or a number into a hash, the same one within a run only. Not for hostile collision
 * resistance: bound the number of items instead. */
uint64_t rts_hash_bytes(const void *bytes, size_t size, uint64_t seed);
uint64_t rts_hash_u64(uint64_t value);

/* The item with this key, or NULL. */
void *rts_table_find(const struct rts_table *table, uint64_t hash, rts_table_same same,
                     const void *key);

/* Adds an item whose key is not in the table yet. */
void rts_table_add(struct rts_table *table, uint64_t hash, void *item);

/* Takes the item with this key out and returns it, or NULL. */
void *rts_table_remove(struct rts_table *table, uint64_t hash, rts_table_same same,
                       const void *key);

/* Walks all items in no particular order: start with *position = 0; NULL at the end. Removing the
 * item just returned is allowed, adding is not. */
void *rts_table_next(const struct rts_table *table, size_t *position);

/* The memory that the slots take. */
size_t rts_table_bytes(const struct rts_table *table);

/* Forgets all items and keeps the memory. */
void rts_table_clear(struct rts_table *table);

/* Frees the slots (never the items) and resets the table to zero. */
void rts_table_finish(struct rts_table *table);

#endif
