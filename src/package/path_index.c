/* SPDX-License-Identifier: Apache-2.0 */
#include "package/path_index.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/share.h"
#include "util/table.h"

void rts_path_index_add(struct rts_path_index *index, const char *path, size_t size,
                        uint32_t package)
{
    if (index->count >= RTS_PATH_INDEX_MAX)
        return;
    if (index->count == index->capacity) {
        index->capacity = index->capacity ? index->capacity * 2 : 4096;
        index->hashes = rts_realloc_array(index->hashes, index->capacity, sizeof *index->hashes);
        index->packages =
            rts_realloc_array(index->packages, index->capacity, sizeof *index->packages);
    }
    index->hashes[index->count] = rts_hash_bytes(path, size, 0);
    index->packages[index->count++] = package;
}

static void swap(struct rts_path_index *index, size_t a, size_t b)
{
    uint64_t hash = index->hashes[a];
    uint32_t package = index->packages[a];
    index->hashes[a] = index->hashes[b];
    index->packages[a] = index->packages[b];
    index->hashes[b] = hash;
    index->packages[b] = package;
}

static void sift_down(struct rts_path_index *index, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && index->hashes[child] < index->hashes[child + 1])
            child++;
        if (index->hashes[root] >= index->hashes[child])
            return;
        swap(index, root, child);
    }
}

/* Heap sort: two arrays move together, in place, no input makes it slow, and it can be left off at
 * any step. */
bool rts_path_index_sort_some(struct rts_path_index *index, size_t steps)
{
    if (index->heaped == 0 && index->count > 0) { /* no more will come */
        index->hashes = rts_realloc_array(index->hashes, index->count, sizeof *index->hashes);
        index->packages = rts_realloc_array(index->packages, index->count, sizeof *index->packages);
        index->capacity = index->count;
    }
    for (; index->heaped < index->count / 2; index->heaped++) {
        if (steps-- == 0)
            return false;
        sift_down(index, index->count / 2 - 1 - index->heaped, index->count);
    }
    for (; index->sorted + 1 < index->count; index->sorted++) {
        if (steps-- == 0)
            return false;
        size_t last = index->count - 1 - index->sorted;
        swap(index, 0, last);
        sift_down(index, 0, last);
    }
    return true;
}

void rts_path_index_sort(struct rts_path_index *index)
{
    while (!rts_path_index_sort_some(index, SIZE_MAX))
        continue;
}

size_t rts_path_index_find(const struct rts_path_index *index, const char *path, uint32_t *packages,
                           size_t capacity)
{
    uint64_t hash = rts_hash_bytes(path, strlen(path), 0);
    size_t low = 0, high = index->count, found = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->hashes[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->count && index->hashes[low] == hash && found < capacity; low++)
        packages[found++] = index->packages[low];
    return found;
}

size_t rts_path_index_bytes(const struct rts_path_index *index)
{
    return rts_heap_bytes(index->capacity * sizeof *index->hashes) +
           rts_heap_bytes(index->capacity * sizeof *index->packages);
}

void rts_path_index_finish(struct rts_path_index *index)
{
    free(index->hashes);
    free(index->packages);
    *index = (struct rts_path_index){0};
}
