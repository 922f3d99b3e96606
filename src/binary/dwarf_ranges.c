/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_ranges.h"

#include <stdlib.h>

#include "util/memory.h"

/* Ranges of one table: a large program has some million functions. */
#define RANGES_MAX (4u << 20)
/* Overlapping ranges looked through for one address. */
#define OVERLAP_MAX 4096

void rts_dwarf_ranges_add(struct rts_dwarf_ranges *ranges, Dwarf_Die *die,
                          const struct rts_dwarf_addresses *addresses, uint64_t what,
                          uint64_t *budget)
{
    struct rts_dwarf_pcs pcs;
    uint64_t start, end;
    rts_dwarf_pcs_init(&pcs, die, addresses);
    while (*budget > 0 && ranges->count < RANGES_MAX && rts_dwarf_pcs_next(&pcs, &start, &end)) {
        --*budget;
        /* Functions that the linker dropped are left at 0. */
        if (start == 0 || start >= end)
            continue;
        ranges->items =
            rts_grow(ranges->items, ranges->count, &ranges->capacity, sizeof *ranges->items);
        ranges->items[ranges->count++] =
            (struct rts_dwarf_range){.start = start, .end = end, .what = what};
    }
}

static int compare(const void *left, const void *right)
{
    const struct rts_dwarf_range *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    return a->what < b->what ? -1 : a->what > b->what;
}

void rts_dwarf_ranges_seal(struct rts_dwarf_ranges *ranges)
{
    if (ranges->count == 0)
        return;
    qsort(ranges->items, ranges->count, sizeof *ranges->items, compare);
    ranges->items = rts_realloc_array(ranges->items, ranges->count, sizeof *ranges->items);
    uint64_t reach = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].end > reach)
            reach = ranges->items[i].end;
        ranges->items[i].reach = reach;
    }
}

void rts_dwarf_ranges_finish(struct rts_dwarf_ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct rts_dwarf_ranges){0};
}

const struct rts_dwarf_range *rts_dwarf_ranges_find(const struct rts_dwarf_ranges *ranges,
                                                    uint64_t vaddr)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && low - i < OVERLAP_MAX; i--) {
        const struct rts_dwarf_range *range = &ranges->items[i - 1];
        if (range->reach <= vaddr)
            break;
        if (vaddr < range->end)
            return range;
    }
    return NULL;
}

bool rts_dwarf_die_covers(Dwarf_Die *die, const struct rts_dwarf_addresses *addresses,
                          uint64_t vaddr, uint64_t *start, uint64_t *end, uint64_t *budget)
{
    struct rts_dwarf_pcs pcs;
    uint64_t first, last;
    rts_dwarf_pcs_init(&pcs, die, addresses);
    while (*budget > 0 && rts_dwarf_pcs_next(&pcs, &first, &last)) {
        --*budget;
        if (vaddr >= first && vaddr < last) {
            *start = first;
            *end = last;
            return true;
        }
    }
    return false;
}
