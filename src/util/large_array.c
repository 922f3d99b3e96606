/* SPDX-License-Identifier: Apache-2.0 */
#include "util/large_array.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/memory.h"

#define STEP ((size_t)1 << 20)

/* Has the pages of the next step there. Where the kernel cannot (before 5.14), they come when they
 * are written to. */
static void prepare(struct rts_large_array *array)
{
    size_t left = array->capacity - array->ready, step = left < STEP ? left : STEP;
#ifdef MADV_POPULATE_WRITE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)array->bytes;
    uintptr_t from = (start + array->ready) & -page, to = (start + array->ready + step) & -page;
    if (to > from)
        madvise((void *)from, to - from, MADV_POPULATE_WRITE);
#endif
    array->ready += step;
}

void *rts_large_array_append(struct rts_large_array *array, size_t size)
{
    while (size > array->capacity - array->size) {
        array->capacity = array->capacity ? 2 * array->capacity : STEP;
        array->bytes = rts_realloc_array(array->bytes, array->capacity, 1);
    }
    while (array->size + size > array->ready)
        prepare(array);
    void *added = array->bytes + array->size;
    array->size += size;
    return added;
}

void rts_large_array_finish(struct rts_large_array *array)
{
    free(array->bytes);
    *array = (struct rts_large_array){0};
}
