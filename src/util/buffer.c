/* SPDX-License-Identifier: Apache-2.0 */
#include "util/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* Most formatted pieces are shorter: they are laid out once. */
#define FORMAT_ROOM 64

void rts_buffer_finish(struct rts_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct rts_buffer)RTS_BUFFER_INIT;
}

void rts_buffer_clear(struct rts_buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

static void reserve(struct rts_buffer *buffer, size_t extra)
{
    size_t needed = buffer->size + extra + 1;
    if (needed <= buffer->capacity)
        return;
    size_t larger = buffer->capacity * 2;
    if (larger < needed)
        larger = needed;
    buffer->data = rts_realloc_array(buffer->data, larger, 1);
    buffer->capacity = larger;
}

void rts_buffer_append(struct rts_buffer *buffer, const void *bytes, size_t size)
{
    reserve(buffer, size);
    if (size)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void rts_buffer_text(struct rts_buffer *buffer, const char *text)
{
    rts_buffer_append(buffer, text, strlen(text));
}

void rts_buffer_format(struct rts_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    reserve(buffer, FORMAT_ROOM);
    size_t room = buffer->capacity - buffer->size;
    int length = vsnprintf(buffer->data + buffer->size, room, format, arguments);
    if (length >= 0 && (size_t)length >= room) {
        reserve(buffer, (size_t)length);
        vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
    }
    if (length > 0)
        buffer->size += (size_t)length;
    buffer->data[buffer->size] = '\0';
    va_end(arguments);
    va_end(again);
}

void rts_buffer_consume(struct rts_buffer *buffer, size_t size)
{
    if (size >= buffer->size) {
        rts_buffer_clear(buffer);
        return;
    }
    memmove(buffer->data, buffer->data + size, buffer->size - size + 1);
    buffer->size -= size;
}
