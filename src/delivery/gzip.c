/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/gzip.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* zlib's counts are 32 bits wide; bodies are far smaller (batch.h). */
#define INPUT_MAX (1u << 30)

#define LEVEL        6
#define WINDOW_BITS  15
#define GZIP_FORMAT  16 /* added to the window bits */
#define MEMORY_LEVEL 8
#define SYSTEM_UNIX  3

void rts_gzip(struct rts_buffer *out, const void *bytes, size_t size)
{
    z_stream stream = {0};
    gz_header header = {.os = SYSTEM_UNIX};
    char piece[16384];
    if (size > INPUT_MAX || deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT,
                                         MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        fputs("rtsample: out of memory\n", stderr);
        exit(1);
    }
    deflateSetHeader(&stream, &header);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof piece;
        state = deflate(&stream, Z_FINISH);
        rts_buffer_append(out, piece, sizeof piece - stream.avail_out);
    }
    deflateEnd(&stream);
}

int rts_gunzip(struct rts_buffer *out, const void *bytes, size_t size, size_t size_max,
               struct rts_error *error)
{
    z_stream stream = {0};
    char piece[16384];
    if (size > INPUT_MAX || inflateInit2(&stream, WINDOW_BITS + GZIP_FORMAT) != Z_OK)
        return rts_fail(error, RTS_FAILED, "too large to decompress");
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    size_t start = out->size;
    int state = Z_OK;
    while (state == Z_OK && out->size - start <= size_max) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof piece;
        state = inflate(&stream, Z_NO_FLUSH);
        rts_buffer_append(out, piece, sizeof piece - stream.avail_out);
    }
    size_t behind = stream.avail_in;
    inflateEnd(&stream);
    if (state == Z_STREAM_END && behind == 0 && out->size - start <= size_max)
        return 0;
    return rts_fail(error, RTS_FAILED,
                    state == Z_OK ? "it decompresses to too much" : "it is damaged gzip data");
}
