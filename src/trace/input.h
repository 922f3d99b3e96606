/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a trace, in order: of a regular file, from any place, or of a pipe, as it comes. A
 * file is read and not mapped: one that its owner cuts short meanwhile has fewer bytes than it had,
 * and does not end us.
 */
#ifndef RTS_TRACE_INPUT_H
#define RTS_TRACE_INPUT_H

#include <stdbool.h>

#include "trace/chunk.h"
#include "util/error.h"

struct rts_trace_input {
    int fd;                        /* owned */
    bool is_file;                  /* a regular one; else a stream */
    uint64_t file_size;            /* when it was opened */
    uint64_t offset;               /* of the next byte in the file or stream */
    uint64_t end;                  /* a file is read up to here */
    struct rts_trace_chunk *chunk; /* what was read and not taken yet begins at */
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

/* Reads `size` bytes at `offset` of a file; false when it has not so many. */
bool rts_trace_input_read(const struct rts_trace_input *input, uint64_t offset, void *bytes,
                          size_t size);

/* The same into memory that the caller frees; NULL also when there are more than
 * RTS_TRACE_LOAD_MAX: what is read so is the description of a trace, and not its data. */
#define RTS_TRACE_LOAD_MAX ((uint64_t)64 << 20)
void *rts_trace_input_load(const struct rts_trace_input *input, uint64_t offset, uint64_t size);

#endif
