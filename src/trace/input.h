/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a trace, in order. A regular file is mapped (privately, so that only the pages that
 * are looked at are read), a pipe is read as it comes.
 */
#ifndef RTS_TRACE_INPUT_H
#define RTS_TRACE_INPUT_H

#include <stdbool.h>

#include "trace/chunk.h"
#include "util/error.h"

struct rts_trace_input {
    int fd;                        /* owned */
    const uint8_t *map;            /* NULL: a stream */
    uint64_t map_size;             /* of the mapping */
    uint64_t offset;               /* of the next byte in the file or stream */
    uint64_t end;                  /* a mapped file is read up to here */
    struct rts_trace_chunk *chunk; /* of a stream: what was read and not taken yet begins at */
    size_t begin;                  /* this place */
    bool (*wait)(void *context, int fd);
    void *context;
};

/* Opens a file, or standard input when `path` is "-". `wait` (may be NULL) is called before a
 * stream is read, returns when there is something, and false when no more is wanted. */
int rts_trace_input_open(struct rts_trace_input *input, const char *path,
                         bool (*wait)(void *context, int fd), void *context,
                         struct rts_error *error);
/* The same with a file that is open, which messages call `name`; its fd is owned from now on, also
 * in case of failure. */
int rts_trace_input_take_fd(struct rts_trace_input *input, int fd, const char *name,
                            struct rts_error *error);
void rts_trace_input_finish(struct rts_trace_input *input);

/* Reads a stream to its end into a file without a name, and goes on with that, from its first byte;
 * nothing may have been taken. For files that were piped to us and have to be read from both ends.
 */
int rts_trace_input_keep(struct rts_trace_input *input, struct rts_error *error);

/* The next `size` bytes without taking them, or NULL when there are fewer; they may lie at any
 * address, and until the next call only. A failed read counts as the end; errno is 0 otherwise. */
const uint8_t *rts_trace_input_peek(struct rts_trace_input *input, size_t size);

/* Takes `size` bytes that were peeked at. */
void rts_trace_input_take(struct rts_trace_input *input, size_t size);

/* Takes bytes unseen. False when there are fewer. */
bool rts_trace_input_skip(struct rts_trace_input *input, uint64_t size);

/* Bytes before the end that were not taken; of a stream those that were read. */
uint64_t rts_trace_input_left(const struct rts_trace_input *input);

/* `size` bytes at `offset` of a mapped file, or NULL when it has not so many. */
const uint8_t *rts_trace_input_at(const struct rts_trace_input *input, uint64_t offset,
                                  uint64_t size);

#endif
