/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece of a trace in memory: part of a stream, of what was decompressed, or a single record.
 * Records lie in it, and it lives as long as one of them is waited for.
 */
#ifndef RTS_TRACE_CHUNK_H
#define RTS_TRACE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

struct rts_trace_chunk {
    unsigned references;
    unsigned waiting; /* records in it that trace/order.h holds back */
    size_t size;      /* bytes that are there */
    size_t capacity;  /* bytes that there is room for */
    uint64_t words[];
};

/* A chunk with room for `capacity` bytes, and one reference. Never NULL. */
struct rts_trace_chunk *rts_trace_chunk_create(size_t capacity);

/* Both accept NULL. */
void rts_trace_chunk_ref(struct rts_trace_chunk *chunk);
void rts_trace_chunk_unref(struct rts_trace_chunk *chunk);

/* The first byte; aligned for any record. */
static inline uint8_t *rts_trace_chunk_bytes(struct rts_trace_chunk *chunk)
{
    return (uint8_t *)chunk->words;
}

/* Makes room for `wanted` bytes behind `begin` in *chunk, when need be in a new chunk, to which
 * what lies behind `begin` is moved: then that one takes the place of *chunk, whose reference is
 * given back. Returns the new place of `begin`. */
size_t rts_trace_chunk_make_room(struct rts_trace_chunk **chunk, size_t begin, size_t wanted);

#endif
