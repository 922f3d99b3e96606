/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation for bookkeeping of bounded size. Running out of memory here ends the program with a
 * message: there is no smaller amount of work to fall back to. Sizes that come from a target must
 * be bounded by the caller first, and allocated with plain malloc() when they can be large.
 */
#ifndef RTS_UTIL_MEMORY_H
#define RTS_UTIL_MEMORY_H

#include <stddef.h>

void *rts_calloc(size_t count, size_t size) __attribute__((malloc));
void *rts_realloc_array(void *old, size_t count, size_t size);
char *rts_strdup(const char *text) __attribute__((malloc));

/* Makes room for one more element: grows `*capacity` (doubling, at least 16) when count == capacity
 * and returns the array, moved if need be. */
void *rts_grow(void *array, size_t count, size_t *capacity, size_t element_size);

#endif
