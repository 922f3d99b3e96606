/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/fde_index.h"

#include <stdlib.h>

#include "util/memory.h"

/* FDEs mostly follow their CIE, so the last one read is kept. */
struct last_cie {
    size_t offset;
    bool known;
    bool sound;
    struct rts_cie cie;
};

static const struct rts_cie *find_cie(const struct rts_cfi_bytes *bytes, size_t offset,
                                      struct last_cie *last)
{
    if (!last->known || last->offset != offset) {
        struct rts_cfi_entry entry;
        size_t at = offset;
        *last = (struct last_cie){.offset = offset, .known = true};
        last->sound = rts_cfi_entry_next(bytes, &at, false, &entry) && entry.is_cie &&
                      rts_cie_read(bytes, &entry, &last->cie);
    }
    return last->sound ? &last->cie : NULL;
}

static int compare(const void *left, const void *right)
{
    const struct rts_fde *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static void sort(struct rts_fde_index *index)
{
    if (index->count == 0)
        return;
    qsort(index->fdes, index->count, sizeof *index->fdes, compare);
    size_t kept = 1;
    for (size_t i = 1; i < index->count; i++)
        if (index->fdes[i].start != index->fdes[kept - 1].start)
            index->fdes[kept++] = index->fdes[i];
    index->count = kept;
    index->fdes = rts_realloc_array(index->fdes, kept, sizeof *index->fdes);
}

void rts_fde_index_init(struct rts_fde_index *index, const struct rts_cfi_bytes *bytes,
                        bool past_terminator)
{
    *index = (struct rts_fde_index){0};
    struct last_cie last = {0};
    struct rts_cfi_entry entry;
    size_t capacity = 0, offset = 0;
    while (index->count < RTS_FDE_MAX &&
           rts_cfi_entry_next(bytes, &offset, past_terminator, &entry)) {
        uint64_t start, size;
        const struct rts_cie *cie = entry.has_cie ? find_cie(bytes, entry.cie, &last) : NULL;
        if (!cie || !rts_fde_read(bytes, &entry, cie, &start, &size) || size > UINT32_MAX ||
            entry.offset > UINT32_MAX)
            continue;
        index->fdes = rts_grow(index->fdes, index->count, &capacity, sizeof *index->fdes);
        index->fdes[index->count++] =
            (struct rts_fde){start, (uint32_t)size, (uint32_t)entry.offset};
    }
    sort(index);
}

void rts_fde_index_finish(struct rts_fde_index *index)
{
    free(index->fdes);
    *index = (struct rts_fde_index){0};
}

/* How many FDEs start at or before `vaddr`. */
static size_t count_until(const struct rts_fde_index *index, uint64_t vaddr)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->fdes[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct rts_fde *rts_fde_index_find(const struct rts_fde_index *index, uint64_t vaddr)
{
    size_t count = count_until(index, vaddr);
    if (count == 0)
        return NULL;
    const struct rts_fde *fde = &index->fdes[count - 1];
    return vaddr - fde->start < fde->size ? fde : NULL;
}

bool rts_fde_index_splits(const struct rts_fde_index *index, uint64_t low, uint64_t high)
{
    if (count_until(index, low) != count_until(index, high))
        return true;
    return rts_fde_index_find(index, low) && !rts_fde_index_find(index, high);
}
