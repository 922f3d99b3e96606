/* SPDX-License-Identifier: Apache-2.0 */
#include "util/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory)
        return memory;
    fputs("rtsample: out of memory\n", stderr);
    exit(1);
}

void *rts_calloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *rts_realloc_array(void *old, size_t count, size_t size)
{
    return checked(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *rts_strdup(const char *text)
{
    return checked(strdup(text));
}

void *rts_grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity)
        return array;
    size_t larger = *capacity ? *capacity * 2 : 16;
    array = rts_realloc_array(array, larger, element_size);
    *capacity = larger;
    return array;
}
