/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/utf8.h"

/* The same byte eight times: 0x01, 0x80. */
#define ONES      0x0101010101010101ULL
#define HIGH_BITS 0x8080808080808080ULL

static bool plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Not zero exactly if one of the eight bytes is: only such a byte can make its own high bit, or by
 * the borrow that of a higher one. */
static uint64_t any_zero(uint64_t word)
{
    return (word - ONES) & ~word & HIGH_BITS;
}

static bool plain_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t control = (word - ' ' * ONES) & ~word & HIGH_BITS;
    return !(control | (word & HIGH_BITS) | any_zero(word ^ '"' * ONES) |
             any_zero(word ^ '\\' * ONES) | any_zero(word ^ 0x7f * ONES));
}

static void append_escape(struct rts_buffer *buffer, uint32_t point)
{
    static const char names[][2] = {{'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'},
                                    {'\t', 't'}, {'"', '"'},  {'\\', '\\'}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (point == (uint32_t)names[i][0]) {
            rts_buffer_append(buffer, "\\", 1);
            rts_buffer_append(buffer, &names[i][1], 1);
            return;
        }
    }
    if (point > 0xffff) {
        rts_buffer_format(buffer, "\\u%04x", (unsigned)(0xd800 + ((point - 0x10000) >> 10)));
        point = 0xdc00 + ((point - 0x10000) & 0x3ff);
    }
    rts_buffer_format(buffer, "\\u%04x", (unsigned)point);
}

void rts_json_string_bytes(struct rts_buffer *buffer, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    const uint8_t *end = size ? at + size : at;
    rts_buffer_append(buffer, "\"", 1);
    while (at < end) {
        const uint8_t *run = at;
        while (end - at >= 8 && plain_word(at))
            at += 8;
        while (at < end && plain(*at))
            at++;
        rts_buffer_append(buffer, run, (size_t)(at - run));
        if (at == end)
            break;
        if (*at < 0x80) {
            append_escape(buffer, *at++);
            continue;
        }
        struct rts_utf8 character = rts_utf8_decode(at, (size_t)(end - at));
        if (!character.valid)
            rts_buffer_text(buffer, "\xef\xbf\xbd");
        else if (rts_is_unseen(character.point))
            append_escape(buffer, character.point);
        else
            rts_buffer_append(buffer, at, character.size);
        at += character.size;
    }
    rts_buffer_append(buffer, "\"", 1);
}

void rts_json_string(struct rts_buffer *buffer, const char *text)
{
    rts_json_string_bytes(buffer, text, strlen(text));
}

/* The value of four hexadecimal digits, or -1. */
static int code_unit(const char *digits)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        char digit = digits[i];
        int value = digit >= '0' && digit <= '9'   ? digit - '0'
                    : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                    : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                   : -1;
        if (value < 0)
            return -1;
        unit = unit << 4 | value;
    }
    return unit;
}

long rts_json_code_point(const char *at, size_t left, size_t *size)
{
    int high = left >= 6 ? code_unit(at + 2) : -1;
    *size = 6;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || left < 12 || at[6] != '\\' || at[7] != 'u')
        return -1;
    int low = code_unit(at + 8);
    *size = 12;
    return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff)) : -1;
}
