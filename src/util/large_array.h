/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are appended to until they are hundreds of megabytes. Memory is asked for ahead of its
 * use, a megabyte at a time: a page fault for each 4 KiB costs more than what is written there.
 */
#ifndef RTS_UTIL_LARGE_ARRAY_H
#define RTS_UTIL_LARGE_ARRAY_H

#include <stddef.h>

/* All zero: empty. */
struct rts_large_array {
    char *bytes; /* owned; moved by rts_large_array_append() */
    size_t size;
    size_t capacity;
    size_t ready; /* bytes whose pages are there */
};

/* Appends `size` bytes, which the caller fills, and returns them. The caller bounds the whole;
 * running out of memory ends the program, as in util/memory.h. */
void *rts_large_array_append(struct rts_large_array *array, size_t size);

void rts_large_array_finish(struct rts_large_array *array);

#endif
