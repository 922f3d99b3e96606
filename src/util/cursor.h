/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over untrusted bytes. What does not fit fails: the cursor goes to its end, `failed` is
 * set, and this and all later numbers are 0. So a decoder checks once, at its end, and before it
 * believes a size or a count.
 */
#ifndef RTS_UTIL_CURSOR_H
#define RTS_UTIL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rts_cursor {
    const uint8_t *at; /* the next byte */
    const uint8_t *end;
    bool failed;
};

static inline void rts_cursor_fail(struct rts_cursor *cursor)
{
    cursor->failed = true;
    cursor->at = cursor->end;
}

/* Passes over `size` bytes and returns where they are; NULL when there are fewer. */
static inline const uint8_t *rts_cursor_take(struct rts_cursor *cursor, uint64_t size)
{
    const uint8_t *bytes = cursor->at;
    if (size > (uint64_t)(cursor->end - cursor->at)) {
        rts_cursor_fail(cursor);
        return NULL;
    }
    cursor->at += size;
    return bytes;
}

/* The same for bytes that nobody looks at. */
static inline void rts_cursor_skip(struct rts_cursor *cursor, uint64_t size)
{
    rts_cursor_take(cursor, size);
}

/* An unsigned number of 1, 2, 4 or 8 bytes in native order. */
static inline uint64_t rts_cursor_fixed(struct rts_cursor *cursor, size_t size)
{
    const uint8_t *from = cursor->at;
    rts_cursor_skip(cursor, size);
    if (cursor->failed)
        return 0;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1: return *from;
    case 2: memcpy(&two, from, sizeof two); return two;
    case 4: memcpy(&four, from, sizeof four); return four;
    default: memcpy(&eight, from, sizeof eight); return eight;
    }
}

/* An unsigned LEB128 number; one that does not fit 64 bits fails. */
static inline uint64_t rts_cursor_uleb(struct rts_cursor *cursor)
{
    /* Nearly all have one byte. */
    if (cursor->at < cursor->end && *cursor->at < 0x80)
        return *cursor->at++;
    uint64_t value = 0;
    for (unsigned int shift = 0; shift < 70; shift += 7) {
        uint8_t byte = (uint8_t)rts_cursor_fixed(cursor, 1);
        uint64_t part = byte & 0x7f;
        if (cursor->failed || (shift == 63 && part > 1))
            break;
        value |= part << shift;
        if (!(byte & 0x80))
            return value;
    }
    rts_cursor_fail(cursor);
    return 0;
}

/* Passes over a LEB128 number of either sign, at most ten bytes long. */
static inline void rts_cursor_skip_leb(struct rts_cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at < 0x80) {
        cursor->at++;
        return;
    }
    for (unsigned int i = 0; i < 10; i++)
        if (!(rts_cursor_fixed(cursor, 1) & 0x80))
            return;
    rts_cursor_fail(cursor);
}

#endif
