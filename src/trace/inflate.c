/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/inflate.h"

#include <config.h>

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBZSTD
#include <zstd.h>
#endif

#include "util/memory.h"

/* A frame that asks for a larger window than this is none of perf's, whose streams stay below 8 MiB
 * at every level that it takes without a word. */
#define WINDOW_LOG_MAX 27

/* Between two blocks the decoder asks for the header of the next one. */
#define BLOCK_HEADER_SIZE 3

size_t rts_trace_inflate_left(const struct rts_trace_inflate *inflate)
{
    return inflate->chunk ? inflate->chunk->size - inflate->begin : 0;
}

void rts_trace_inflate_take(struct rts_trace_inflate *inflate, size_t size)
{
    inflate->begin += size;
}

bool rts_trace_inflate_is_whole(const struct rts_trace_inflate *inflate)
{
    return rts_trace_inflate_left(inflate) == 0 && inflate->wanted <= BLOCK_HEADER_SIZE;
}

#ifdef HAVE_LIBZSTD

void rts_trace_inflate_finish(struct rts_trace_inflate *inflate)
{
    ZSTD_freeDStream(inflate->stream);
    rts_trace_chunk_unref(inflate->chunk);
    free(inflate->source);
    *inflate = (struct rts_trace_inflate){0};
}

int rts_trace_inflate_feed(struct rts_trace_inflate *inflate, const void *bytes, size_t size,
                           struct rts_error *error)
{
    if (!inflate->stream) {
        inflate->stream = ZSTD_createDStream();
        if (!inflate->stream)
            return rts_fail(error, RTS_FAILED, "cannot decompress: out of memory");
        ZSTD_DCtx_setParameter(inflate->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    }
    inflate->source = rts_realloc_array(inflate->source, 1, size + 1);
    memcpy(inflate->source, bytes, size);
    inflate->source_size = size;
    inflate->source_at = 0;
    return 0;
}

/* Lets more come out, as far as there is room in the chunk. */
static int inflate_more(struct rts_trace_inflate *inflate, struct rts_error *error)
{
    struct rts_trace_chunk *chunk = inflate->chunk;
    ZSTD_inBuffer in = {inflate->source, inflate->source_size, inflate->source_at};
    ZSTD_outBuffer out = {rts_trace_chunk_bytes(chunk), chunk->capacity, chunk->size};
    size_t result = ZSTD_decompressStream(inflate->stream, &out, &in);
    if (ZSTD_isError(result))
        return rts_fail(error, RTS_FAILED, "the compressed data is damaged (%s)",
                        ZSTD_getErrorName(result));
    inflate->more = out.pos == out.size; /* what had no room is kept inside */
    inflate->wanted = result;
    inflate->source_at = in.pos;
    chunk->size = out.pos;
    return 0;
}

int rts_trace_inflate_peek(struct rts_trace_inflate *inflate, size_t size, const uint8_t **bytes,
                           struct rts_error *error)
{
    *bytes = NULL;
    while (rts_trace_inflate_left(inflate) < size) {
        if (inflate->source_at == inflate->source_size && !inflate->more)
            return 0;
        inflate->begin = rts_trace_chunk_make_room(&inflate->chunk, inflate->begin, size);
        size_t before = inflate->chunk->size, source_before = inflate->source_at;
        if (inflate_more(inflate, error) < 0)
            return -1;
        if (inflate->chunk->size == before && inflate->source_at == source_before)
            return 0;
    }
    *bytes = rts_trace_chunk_bytes(inflate->chunk) + inflate->begin;
    return 0;
}

#else

void rts_trace_inflate_finish(struct rts_trace_inflate *inflate)
{
    (void)inflate;
}

int rts_trace_inflate_feed(struct rts_trace_inflate *inflate, const void *bytes, size_t size,
                           struct rts_error *error)
{
    (void)inflate, (void)bytes, (void)size;
    return rts_fail(error, RTS_FAILED,
                    "it is compressed (perf record -z), and rtsample was built without zstd");
}

int rts_trace_inflate_peek(struct rts_trace_inflate *inflate, size_t size, const uint8_t **bytes,
                           struct rts_error *error)
{
    (void)inflate, (void)size, (void)error;
    *bytes = NULL;
    return 0;
}

#endif
