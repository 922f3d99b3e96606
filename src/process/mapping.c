/* SPDX-License-Identifier: Apache-2.0 */
#include "process/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/share.h"

enum rts_mapping_kind rts_mapping_kind_of(const char *path, bool has_inode)
{
    if (strcmp(path, "[vdso]") == 0)
        return RTS_MAPPING_VDSO;
    if (strcmp(path, "[vsyscall]") == 0)
        return RTS_MAPPING_VSYSCALL;
    if (path[0] == '\0' || path[0] == '[' || strncmp(path, "//", 2) == 0 ||
        strncmp(path, "anon_inode:", 11) == 0)
        return RTS_MAPPING_ANONYMOUS;
    return path[0] == '/' && has_inode ? RTS_MAPPING_FILE : RTS_MAPPING_ANONYMOUS;
}

/* Whether the items are this set's alone from now on; else they stay those of the others. */
static bool leave_sharers(struct rts_mapping_set *set)
{
    unsigned *sharers = set->sharers;
    set->sharers = NULL;
    if (!sharers)
        return true;
    if (--*sharers > 0)
        return false;
    free(sharers);
    return true;
}

void rts_mapping_set_finish(struct rts_mapping_set *set, rts_mapped_file_release release,
                            void *context)
{
    if (leave_sharers(set)) {
        for (size_t i = 0; i < set->count; i++)
            if (set->items[i].file)
                release(context, set->items[i].file);
        free(set->items);
    }
    *set = (struct rts_mapping_set){0};
}

void rts_mapping_set_share(struct rts_mapping_set *set, struct rts_mapping_set *of)
{
    if (of->count == 0)
        return;
    if (!of->sharers) {
        of->sharers = rts_calloc(1, sizeof *of->sharers);
        *of->sharers = 1;
    }
    ++*of->sharers;
    *set = *of;
}

void rts_mapping_set_own(struct rts_mapping_set *set, rts_mapped_file_retain retain, void *context)
{
    if (leave_sharers(set))
        return;
    struct rts_mapping *items = rts_calloc(set->count, sizeof *items);
    memcpy(items, set->items, set->count * sizeof *items);
    set->items = items;
    set->capacity = set->count;
    for (size_t i = 0; i < set->count; i++)
        if (items[i].file)
            retain(context, items[i].file);
}

size_t rts_mapping_set_bytes(const struct rts_mapping_set *set)
{
    return rts_heap_bytes(set->capacity * sizeof *set->items) / (set->sharers ? *set->sharers : 1);
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
    if (mapping->end - mapping->start > set->longest)
        set->longest = mapping->end - mapping->start;
}

/* Index of the first item that may reach beyond `address`. */
static size_t first_reaching(const struct rts_mapping_set *set, uint64_t address)
{
    return address >= set->longest ? upper_bound(set, address - set->longest) : 0;
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
    rts_mapping_set_own(set, retain, context);
    for (size_t i = first_reaching(set, mapping->start); i < set->count; i++) {
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

bool rts_mapping_set_has(const struct rts_mapping_set *set, const struct rts_mapping *mapping)
{
    const struct rts_mapping *known = rts_mapping_set_find(set, mapping->start, mapping->from_ns);
    return known && known->until_ns == UINT64_MAX && known->start == mapping->start &&
           known->end == mapping->end && known->kind == mapping->kind &&
           known->file == mapping->file && known->offset == mapping->offset;
}

struct rts_mapping *rts_mapping_set_find(const struct rts_mapping_set *set, uint64_t pc,
                                         uint64_t time)
{
    /* Ended mappings may reach over the start of later ones, so all that start before pc count. The
     * valid one is nearly always the first that is looked at. */
    for (size_t i = upper_bound(set, pc); i-- > 0;) {
        struct rts_mapping *mapping = &set->items[i];
        if (pc - mapping->start >= set->longest)
            break;
        if (pc < mapping->end && time >= mapping->from_ns && time < mapping->until_ns)
            return mapping;
    }
    return NULL;
}

/* Takes out what is `unwanted`. */
static void remove_all(struct rts_mapping_set *set,
                       bool (*unwanted)(const struct rts_mapping *item, uint64_t time),
                       uint64_t time, rts_mapped_file_release release, void *context)
{
    size_t kept = 0;
    set->longest = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct rts_mapping item = set->items[i];
        if (unwanted(&item, time)) {
            if (item.file)
                release(context, item.file);
            continue;
        }
        set->items[kept++] = item;
        if (item.end - item.start > set->longest)
            set->longest = item.end - item.start;
    }
    set->count = kept;
}

static bool has_ended(const struct rts_mapping *item, uint64_t time)
{
    return item->until_ns <= time;
}

void rts_mapping_set_forget(struct rts_mapping_set *set, uint64_t time,
                            rts_mapped_file_release release, void *context)
{
    if (!set->sharers)
        remove_all(set, has_ended, time, release, context);
}

static bool is_anonymous(const struct rts_mapping *item, uint64_t time)
{
    (void)time;
    return item->kind == RTS_MAPPING_ANONYMOUS;
}

void rts_mapping_set_forget_anonymous(struct rts_mapping_set *set)
{
    remove_all(set, is_anonymous, 0, NULL, NULL);
}
