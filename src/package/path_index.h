/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which package may own a path, for hundreds of thousands of paths in little memory: only a hash of
 * each is kept, so that an answer is a suspicion that the caller verifies in the database.
 */
#ifndef RTS_PACKAGE_PATH_INDEX_H
#define RTS_PACKAGE_PATH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Paths of one root; the rest is not found. A desktop has half a million. 12 bytes each. */
#define RTS_PATH_INDEX_MAX 2000000

struct rts_path_index {
    uint64_t *hashes;   /* sorted once the index is finished */
    uint32_t *packages; /* in the same order */
    size_t count, capacity;
    size_t heaped, sorted; /* private: how far the sorting has come */
};

/* Adds the `size` bytes of `path`. */
void rts_path_index_add(struct rts_path_index *index, const char *path, size_t size,
                        uint32_t package);

/* Sorts what was added: needed once before the first rts_path_index_find(). */
void rts_path_index_sort(struct rts_path_index *index);

/* The same in parts: true when it is sorted, after `steps` of the work at most. */
bool rts_path_index_sort_some(struct rts_path_index *index, size_t steps);

/* Writes the packages that may own `path`, at most `capacity`, and returns how many. */
size_t rts_path_index_find(const struct rts_path_index *index, const char *path, uint32_t *packages,
                           size_t capacity);

void rts_path_index_finish(struct rts_path_index *index);

/* The memory that it takes. */
size_t rts_path_index_bytes(const struct rts_path_index *index);

#endif
