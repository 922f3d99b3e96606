/* SPDX-License-Identifier: Apache-2.0 */
#include "util/heap.h"

#include <stdlib.h> /* says whose C library it is */

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Left alone, glibc raises this to the size of the largest block that was ever freed: images of
 * files then lie between small blocks that stay, and their room is never given back. */
#define MMAP_BYTES (64 * 1024)

/* One for the line, one for the threads that deliver and pack. Each more keeps its own free room.
 */
#define ARENAS 2

void rts_heap_settle(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt(M_ARENA_MAX, ARENAS);
#endif
}

void rts_heap_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
