/* SPDX-License-Identifier: Apache-2.0 */
#include "process/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

void rts_mapping_set_finish(struct rts_mapping_set *set, rts_mapped_file_release release,
                            void *context)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].file)
            release(context, set->items[i].file);
    free(set->items);
    *set = (struct rts_mapping_set){0};
}

/* Index of the first item that starts after `address`. */
static size_t upper_bound(const struct rts_mapping_set *set, uint64_t address)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct rts_mapping_set *set, const struct rts_mapping *mapping)
{
    size_t at = upper_bound(set, mapping->start);
    set->items = rts_grow(set->items, set->count, &set->capacity, sizeof *set->items);
    memmove(&set->items[at + 1], &set->items[at], (set->count - at) * sizeof *set->items);
    set->items[at] = *mapping;
    set->count++;
}

/* The part [start, end) of `whole`, from `from_ns` on as long as `whole` was valid. */
static struct rts_mapping part_of(const struct rts_mapping *whole, uint64_t start, uint64_t end,
                                  uint64_t from_ns)
{
    struct rts_mapping part = *whole;
    part.start = start;
    part.end = end;
    part.offset = whole->offset + (start - whole->start);
    if (part.from_ns < from_ns)
        part.from_ns = from_ns;
    return part;
}

void rts_mapping_set_add(struct rts_mapping_set *set, const struct rts_mapping *mapping,
                         rts_mapped_file_retain retain, void *context)
{
    uint64_t now = mapping->from_ns;
    for (size_t i = 0; i < set->count; i++) {
        struct rts_mapping old = set->items[i];
        if (old.start >= mapping->end)
            break;
        if (old.end <= mapping->start || old.until_ns <= now)
            continue;
        set->items[i].until_ns = now;
        if (old.start < mapping->start) {
            struct rts_mapping part = part_of(&old, old.start, mapping->start, now);
            if (part.file)
                retain(context, part.file);
            insert(set, &part); /* behind i: the loop meets it, and it overlaps nothing */
        }
        if (old.end > mapping->end) {
            struct rts_mapping part = part_of(&old, mapping->end, old.end, now);
            if (part.file)
                retain(context, part.file);
            insert(set, &part);
        }
    }
    struct rts_mapping added = *mapping;
    added.until_ns = UINT64_MAX;
    insert(set, &added);
}

struct rts_mapping *rts_mapping_set_find(const struct rts_mapping_set *set, uint64_t pc,
                                         uint64_t time)
{
    /* Ended mappings may reach over the start of later ones, so all that start before pc count. The
     * valid one is nearly always the first that is looked at. */
    for (size_t i = upper_bound(set, pc); i-- > 0;) {
        struct rts_mapping *mapping = &set->items[i];
        if (pc < mapping->end && time >= mapping->from_ns && time < mapping->until_ns)
            return mapping;
    }
    return NULL;
}

void rts_mapping_set_forget(struct rts_mapping_set *set, uint64_t time,
                            rts_mapped_file_release release, void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].until_ns <= time) {
            if (set->items[i].file)
                release(context, set->items[i].file);
        } else {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}
