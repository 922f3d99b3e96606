/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* Many records share a chunk of this size. */
#define CAPACITY_MIN ((size_t)256 << 10)

struct rts_trace_chunk *rts_trace_chunk_create(size_t capacity)
{
    size_t words = (capacity + 7) / 8;
    struct rts_trace_chunk *chunk =
        rts_realloc_array(NULL, 1, sizeof *chunk + words * sizeof *chunk->words);
    *chunk = (struct rts_trace_chunk){.references = 1, .capacity = words * 8};
    return chunk;
}

void rts_trace_chunk_ref(struct rts_trace_chunk *chunk)
{
    if (chunk)
        chunk->references++;
}

void rts_trace_chunk_unref(struct rts_trace_chunk *chunk)
{
    if (chunk && --chunk->references == 0)
        free(chunk);
}

size_t rts_trace_chunk_make_room(struct rts_trace_chunk **chunk, size_t begin, size_t wanted)
{
    struct rts_trace_chunk *old = *chunk;
    if (old && old->capacity - begin >= wanted)
        return begin;
    size_t kept = old ? old->size - begin : 0;
    struct rts_trace_chunk *fresh =
        rts_trace_chunk_create(wanted > CAPACITY_MIN ? wanted : CAPACITY_MIN);
    if (kept > 0)
        memcpy(fresh->words, rts_trace_chunk_bytes(old) + begin, kept);
    fresh->size = kept;
    rts_trace_chunk_unref(old);
    *chunk = fresh;
    return 0;
}
