/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over untrusted bytes. Reading past the end sets `failed` and yields 0, so a decoder
 * checks once, at its end.
 */
#ifndef RTS_BINARY_CFI_READER_H
#define RTS_BINARY_CFI_READER_H

#include <string.h>

#include "types.h"

struct rts_cfi_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline void rts_cfi_skip(struct rts_cfi_reader *reader, uint64_t size)
{
    if (size > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        reader->at = reader->end;
    } else {
        reader->at += size;
    }
}

/* An unsigned number of 1, 2, 4 or 8 bytes in native order. */
static inline uint64_t rts_cfi_fixed(struct rts_cfi_reader *reader, size_t size)
{
    const uint8_t *from = reader->at;
    rts_cfi_skip(reader, size);
    if (reader->failed)
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
static inline uint64_t rts_cfi_uleb(struct rts_cfi_reader *reader)
{
    /* Nearly all have one byte. */
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    uint64_t value = 0;
    for (unsigned int shift = 0; shift < 70; shift += 7) {
        uint8_t byte = (uint8_t)rts_cfi_fixed(reader, 1);
        uint64_t part = byte & 0x7f;
        if (reader->failed || (shift == 63 && part > 1))
            break;
        value |= part << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

/* Passes over a LEB128 number of either sign, at most ten bytes long. */
static inline void rts_cfi_skip_leb(struct rts_cfi_reader *reader)
{
    if (reader->at < reader->end && *reader->at < 0x80) {
        reader->at++;
        return;
    }
    for (unsigned int i = 0; i < 10; i++)
        if (!(rts_cfi_fixed(reader, 1) & 0x80))
            return;
    reader->failed = true;
}

#endif
