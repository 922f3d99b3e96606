/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. Invariants, after any call:
 *
 *   - `data` is NULL until something is appended, even of size 0; from then on data[size] is a NUL,
 *     which is not counted, so text can be passed on as a C string. rts_buffer_text(buffer, "")
 *     makes an empty buffer such a string.
 *   - `size` <= `capacity`; only these functions change `capacity`.
 *   - Running out of memory ends the program (util/memory.h): no call fails.
 *
 * What a caller may do with the members directly:
 *
 *   - read data[0] to data[size], until the next call that appends or finishes: those may move the
 *     bytes; and `capacity`, for what it takes in memory;
 *   - overwrite bytes below `size`, such as a header whose size is known at the end;
 *   - take back what was appended last, by a smaller `size`. data[size] is then no NUL any more
 *     until the next append; write one where the bytes are to be a string;
 *   - take the bytes over, as they come from malloc(): keep `data`, and set the buffer to
 *     RTS_BUFFER_INIT.
 *
 * It may not write at or beyond `size`, or make `size` larger.
 */
#ifndef RTS_UTIL_BUFFER_H
#define RTS_UTIL_BUFFER_H

#include <stddef.h>

struct rts_buffer {
    char *data;
    size_t size;
    size_t capacity;
};

#define RTS_BUFFER_INIT                                                                            \
    {                                                                                              \
        0                                                                                          \
    }

/* Frees the bytes and resets to RTS_BUFFER_INIT. Accepts a buffer that nothing was appended to. */
void rts_buffer_finish(struct rts_buffer *buffer);

/* Forgets the content and keeps the memory: as an empty string, if anything was ever appended. */
void rts_buffer_clear(struct rts_buffer *buffer);

/* Append bytes (NULL for none), a C string, or formatted text. None of them may lie in the buffer
 * itself, which may move. */
void rts_buffer_append(struct rts_buffer *buffer, const void *bytes, size_t size);
void rts_buffer_text(struct rts_buffer *buffer, const char *text);
void rts_buffer_format(struct rts_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes the first `size` bytes (at most all of them) and moves the rest to the beginning. */
void rts_buffer_consume(struct rts_buffer *buffer, size_t size);

#endif
