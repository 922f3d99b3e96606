/* SPDX-License-Identifier: Apache-2.0 */
#include "util/utf8.h"

/* What may follow each lead byte (Unicode, table of well-formed byte sequences): only the second
 * byte has a range that depends on the lead. */
static bool lead(uint8_t byte, size_t *tail, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
        *tail = 1;
        return true;
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        *tail = 2;
        if (byte == 0xe0)
            *low = 0xa0;
        if (byte == 0xed)
            *high = 0x9f;
        return true;
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        *tail = 3;
        if (byte == 0xf0)
            *low = 0x90;
        if (byte == 0xf4)
            *high = 0x8f;
        return true;
    }
    return false;
}

struct rts_utf8 rts_utf8_decode(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    struct rts_utf8 character = {.size = 1, .point = at[0], .valid = at[0] < 0x80};
    size_t tail;
    uint8_t low, high;
    if (character.valid || !lead(at[0], &tail, &low, &high))
        return character;
    character.point = at[0] & (0x3fu >> tail);
    for (size_t i = 0; i < tail; i++) {
        if (character.size == size || at[character.size] < low || at[character.size] > high)
            return character;
        character.point = character.point << 6 | (at[character.size++] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    character.valid = true;
    return character;
}

size_t rts_utf8_encode(uint32_t point, char bytes[4])
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        bytes[i] = (char)(0x80 | (point & 0x3f));
    bytes[0] = (char)(leads[size] | point);
    return size;
}

bool rts_is_unseen(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
        {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
        {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
        {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
        {0x3164, 0x3164},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
        {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    if ((point & 0xfffe) == 0xfffe)
        return true;
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (point > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof ranges / sizeof *ranges && point >= ranges[low].first;
}
