/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of JSON is made of (RFC 8259): blanks, and strings with their escapes. For those
 * who write it (json.h), read it as a stream (json_scan.h), or check a line (facts/checked_line.h).
 */
#ifndef RTS_UTIL_JSON_TEXT_H
#define RTS_UTIL_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The same byte eight times: 0x01, 0x80. */
#define RTS_JSON_ONES 0x0101010101010101ULL
#define RTS_JSON_TOPS 0x8080808080808080ULL

static inline bool rts_json_is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* The eight bytes at `at`, the first one lowest: most of JSON is strings, looked at in words. */
static inline uint64_t rts_json_word(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The top bit of each byte that is zero. Exact up to the first of them; in those above it a borrow
 * may have set one too many. */
static inline uint64_t rts_json_zero_bytes(uint64_t word)
{
    return (word - RTS_JSON_ONES) & ~word & RTS_JSON_TOPS;
}

/* The same of each byte that cannot stand for itself in a string: a quote, a backslash, a control
 * below 0x20. */
static inline uint64_t rts_json_special_bytes(uint64_t word)
{
    return ((word - RTS_JSON_ONES * ' ') & ~word & RTS_JSON_TOPS) |
           rts_json_zero_bytes(word ^ RTS_JSON_ONES * '"') |
           rts_json_zero_bytes(word ^ RTS_JSON_ONES * '\\');
}

/* The letter that stands behind the backslash for this character; NUL: it has none, only \u. */
char rts_json_escape_letter(uint32_t point);

/* Reads the escape that begins with the backslash at `at`, with `left` bytes to the end of the
 * text, into the code point that it stands for. Returns its size, twelve bytes for a surrogate
 * pair; 0 when it is not one: too short, an unknown letter, no digits, half a pair. */
size_t rts_json_escape_read(const char *at, size_t left, uint32_t *point);

#endif
