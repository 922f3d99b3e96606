/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/budget.h"

#include <stdio.h>

/* Percent of the whole. Files take the most, and cost the most to read again; the rest is what each
 * came to with a thousand different programs in 20 seconds, with room to spare. A quarter is for
 * the program itself with its libraries, for what is read at the moment, and for the gaps in the
 * heap. */
static const struct {
    const char *name;
    unsigned percent;
} tables[RTS_MEMORY_COUNT] = {
    [RTS_MEMORY_OBJECTS] = {"objects", 32},     [RTS_MEMORY_SYMBOLS] = {"symbols", 12},
    [RTS_MEMORY_RULES] = {"rules", 7},          [RTS_MEMORY_STACKS] = {"stacks", 2},
    [RTS_MEMORY_WINDOW] = {"window", 6},        [RTS_MEMORY_PROCESSES] = {"processes", 4},
    [RTS_MEMORY_PACKAGES] = {"packages", 9},    [RTS_MEMORY_TRACE] = {"trace", 3},
    [RTS_MEMORY_UNION] = {"union_bundle", 100},
};

void rts_budget_init(struct rts_budget *budget, uint64_t limit)
{
    *budget = (struct rts_budget){0};
    if (limit > SIZE_MAX / 100)
        limit = 0; /* more than there can be */
    budget->limit = (size_t)limit;
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        budget->shares[i].limit = budget->limit * tables[i].percent / 100;
}

const char *rts_memory_name(enum rts_memory_table table)
{
    return (unsigned)table < RTS_MEMORY_COUNT ? tables[table].name : "unknown";
}

static uint64_t evictions_of(const struct rts_memory_owner *owner)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        sum += owner->evictions[i];
    return sum;
}

static void merge(struct rts_memory_owner *others, const struct rts_memory_owner *owner)
{
    snprintf(others->digest, sizeof others->digest, "others");
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        others->evictions[i] += owner->evictions[i];
}

void rts_memory_owners_add(struct rts_memory_owners *owners, const struct rts_memory_owner *owner)
{
    struct rts_memory_owner *last = &owners->items[RTS_MEMORY_OWNERS_MAX - 1];
    struct rts_memory_owner added = *owner;
    if (evictions_of(owner) == 0)
        return;
    size_t own = owners->count < RTS_MEMORY_OWNERS_MAX ? owners->count : RTS_MEMORY_OWNERS_MAX - 1;
    for (size_t i = 0; i < own; i++) {
        if (evictions_of(&owners->items[i]) >= evictions_of(&added))
            continue;
        struct rts_memory_owner less = owners->items[i];
        owners->items[i] = added;
        added = less;
    }
    if (owners->count < RTS_MEMORY_OWNERS_MAX)
        owners->items[owners->count++] = added;
    else
        merge(last, &added);
}
