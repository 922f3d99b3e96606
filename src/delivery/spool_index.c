/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_index.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

void rts_spool_index_finish(struct rts_spool_index *index)
{
    free(index->entries);
    *index = (struct rts_spool_index){0};
}

struct rts_spool_entry *rts_spool_index_at(const struct rts_spool_index *index, size_t i)
{
    return &index->entries[index->first + i];
}

/* The place of the first entry that is not before `id`. */
static size_t place_of(const struct rts_spool_index *index, const struct rts_batch_id *id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rts_batch_compare(&rts_spool_index_at(index, middle)->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct rts_spool_entry *rts_spool_index_find(const struct rts_spool_index *index,
                                             const struct rts_batch_id *id)
{
    size_t place = place_of(index, id);
    if (place == index->count)
        return NULL;
    struct rts_spool_entry *entry = rts_spool_index_at(index, place);
    return rts_batch_compare(&entry->id, id) == 0 ? entry : NULL;
}

static void count_in(struct rts_spool_index *index, const struct rts_spool_entry *entry)
{
    index->bytes += entry->bytes;
    index->own_events += entry->earlier ? 0 : entry->events;
}

static void count_out(struct rts_spool_index *index, const struct rts_spool_entry *entry)
{
    index->bytes -= entry->bytes;
    index->own_events -= entry->earlier ? 0 : entry->events;
}

/* Room behind the last entry: what was removed at the front is used again first. */
static void make_room(struct rts_spool_index *index)
{
    if (index->first > 0 && index->first + index->count == index->capacity) {
        memmove(index->entries, index->entries + index->first,
                index->count * sizeof *index->entries);
        index->first = 0;
    }
    index->entries = rts_grow(index->entries, index->first + index->count, &index->capacity,
                              sizeof *index->entries);
}

void rts_spool_index_append(struct rts_spool_index *index, const struct rts_spool_entry *entry)
{
    make_room(index);
    *rts_spool_index_at(index, index->count++) = *entry;
    count_in(index, entry);
}

static int compare_entries(const void *a, const void *b)
{
    const struct rts_spool_entry *left = a, *right = b;
    return rts_batch_compare(&left->id, &right->id);
}

void rts_spool_index_sort(struct rts_spool_index *index)
{
    if (index->count > 1)
        qsort(index->entries + index->first, index->count, sizeof *index->entries, compare_entries);
}

void rts_spool_index_insert(struct rts_spool_index *index, const struct rts_spool_entry *entry)
{
    struct rts_spool_entry *equal = rts_spool_index_find(index, &entry->id);
    if (equal) {
        count_out(index, equal);
        *equal = *entry;
        count_in(index, entry);
        return;
    }
    size_t place = place_of(index, &entry->id);
    make_room(index);
    struct rts_spool_entry *at = rts_spool_index_at(index, place);
    memmove(at + 1, at, (index->count - place) * sizeof *at);
    *at = *entry;
    index->count++;
    count_in(index, entry);
}

void rts_spool_index_remove(struct rts_spool_index *index, const struct rts_spool_entry *entry)
{
    size_t place = (size_t)(entry - rts_spool_index_at(index, 0));
    count_out(index, entry);
    index->count--;
    if (place == 0) {
        index->first++;
        return;
    }
    struct rts_spool_entry *at = rts_spool_index_at(index, place);
    memmove(at, at + 1, (index->count - place) * sizeof *at);
}
