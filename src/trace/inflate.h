/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records inside PERF_RECORD_COMPRESSED (perf record -z): together these hold one zstd stream,
 * whose content is a sequence of records that may begin in one and end in a later one. What comes
 * out is made piece by piece, so that a small record cannot ask for much memory.
 */
#ifndef RTS_TRACE_INFLATE_H
#define RTS_TRACE_INFLATE_H

#include <stdbool.h>

#include "trace/chunk.h"
#include "util/error.h"

struct rts_trace_inflate {
    void *stream;    /* ZSTD_DStream; NULL: nothing was compressed so far */
    uint8_t *source; /* owned copy of the current record */
    size_t source_size, source_at;
    size_t wanted;                 /* what the decoder would like to have next */
    bool more;                     /* the stream may have more to give without more source */
    struct rts_trace_chunk *chunk; /* what came out and was not taken begins at */
    size_t begin;                  /* this place */
};

void rts_trace_inflate_finish(struct rts_trace_inflate *inflate);

/* Begins with the content of the next compressed record; the one before has to be used up. Fails
 * when this program was built without zstd. */
int rts_trace_inflate_feed(struct rts_trace_inflate *inflate, const void *bytes, size_t size,
                           struct rts_error *error);

/* The next `size` bytes that come out, without taking them: *bytes is NULL when the current record
 * does not give so many. Fails when the data is damaged. */
int rts_trace_inflate_peek(struct rts_trace_inflate *inflate, size_t size, const uint8_t **bytes,
                           struct rts_error *error);

/* Takes `size` bytes that were peeked at. */
void rts_trace_inflate_take(struct rts_trace_inflate *inflate, size_t size);

/* Is nothing missing of what was begun? perf does not always write the end of what it compresses.
 */
bool rts_trace_inflate_is_whole(const struct rts_trace_inflate *inflate);

/* Bytes that came out and were not taken: the beginning of a record. */
size_t rts_trace_inflate_left(const struct rts_trace_inflate *inflate);

#endif
