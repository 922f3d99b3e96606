/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. `data` is always NUL-terminated beyond `size` once anything was appended,
 * so text can be passed on as a C string. Zero-initialise with RTS_BUFFER_INIT.
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

/* Frees the bytes and resets to RTS_BUFFER_INIT. Accepts an empty buffer. */
void rts_buffer_finish(struct rts_buffer *buffer);

/* Forgets the content and keeps the memory. */
void rts_buffer_clear(struct rts_buffer *buffer);

/* Appends bytes, a C string, or formatted text. */
void rts_buffer_append(struct rts_buffer *buffer, const void *bytes, size_t size);
void rts_buffer_text(struct rts_buffer *buffer, const char *text);
void rts_buffer_format(struct rts_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes the first `size` bytes (at most all of them). */
void rts_buffer_consume(struct rts_buffer *buffer, size_t size);

#endif
