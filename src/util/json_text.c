/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json_text.h"

#include "util/hex.h"

static const struct {
    char point, letter;
} letters[] = {{'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'},  {'\r', 'r'},
               {'\t', 't'}, {'"', '"'},  {'\\', '\\'}, {'/', '/'}};

#define LETTERS (sizeof letters / sizeof *letters)

char rts_json_escape_letter(uint32_t point)
{
    for (size_t i = 0; i < LETTERS; i++)
        if (point == (uint32_t)letters[i].point)
            return letters[i].letter;
    return '\0';
}

/* The value of the four digits of "\uXXXX" at `at`, or -1. */
static int32_t code_unit(const char *at, size_t left)
{
    uint8_t bytes[2];
    if (left < 6 || at[0] != '\\' || at[1] != 'u' || !rts_hex_read(bytes, at + 2, 2))
        return -1;
    return bytes[0] << 8 | bytes[1];
}

size_t rts_json_escape_read(const char *at, size_t left, uint32_t *point)
{
    if (left < 2)
        return 0;
    for (size_t i = 0; i < LETTERS; i++) {
        if (at[1] == letters[i].letter) {
            *point = (uint32_t)letters[i].point;
            return 2;
        }
    }
    int32_t high = code_unit(at, left);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    *point = (uint32_t)high;
    if (high < 0xd800 || high > 0xdbff)
        return 6;
    int32_t low = code_unit(at + 6, left - 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *point = 0x10000 + (uint32_t)((high & 0x3ff) << 10 | (low & 0x3ff));
    return 12;
}
