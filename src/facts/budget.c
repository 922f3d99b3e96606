/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/budget.h"

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
