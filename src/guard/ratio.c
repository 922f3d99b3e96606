/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/ratio.h"

#include <stdlib.h>

#include "util/memory.h"
#include "util/table.h"

/* Instances of one generation: a machine has fewer processes at a time (pid_max is 32768 unless
 * raised), so that only those that ended are forgotten. */
#define GENERATION_MAX 32768

struct counter {
    uint64_t instance;
    uint32_t count; /* below the ratio */
};

/* Counters live in the young generation when they were used since it began, in the old one when
 * they were used in the one before. What is in neither is forgotten. */
struct rts_ratio {
    uint32_t ratio;
    struct rts_table young, old;
};

static bool same_instance(const void *item, const void *key)
{
    return ((const struct counter *)item)->instance == *(const uint64_t *)key;
}

static void free_counters(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_finish(table);
}

struct rts_ratio *rts_ratio_create(uint32_t ratio)
{
    struct rts_ratio *guard = rts_calloc(1, sizeof *guard);
    guard->ratio = ratio;
    return guard;
}

void rts_ratio_destroy(struct rts_ratio *guard)
{
    if (!guard)
        return;
    free_counters(&guard->young);
    free_counters(&guard->old);
    free(guard);
}

static struct counter *find_or_add(struct rts_ratio *guard, uint64_t instance)
{
    uint64_t hash = rts_hash_u64(instance);
    struct counter *counter = rts_table_find(&guard->young, hash, same_instance, &instance);
    if (counter)
        return counter;
    counter = rts_table_remove(&guard->old, hash, same_instance, &instance);
    if (!counter) {
        counter = rts_calloc(1, sizeof *counter);
        counter->instance = instance;
        counter->count = (uint32_t)(instance % guard->ratio);
    }
    if (guard->young.count == GENERATION_MAX) {
        free_counters(&guard->old);
        guard->old = guard->young;
        guard->young = (struct rts_table){0};
    }
    rts_table_add(&guard->young, hash, counter);
    return counter;
}

bool rts_ratio_admit(struct rts_ratio *guard, uint64_t instance)
{
    if (guard->ratio <= 1)
        return true;
    struct counter *counter = find_or_add(guard, instance);
    if (++counter->count < guard->ratio)
        return false;
    counter->count = 0;
    return true;
}
