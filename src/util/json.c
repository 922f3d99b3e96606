/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/json_text.h"
#include "util/utf8.h"

static bool plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static bool plain_word(const uint8_t *at)
{
    uint64_t word = rts_json_word(at);
    return !(rts_json_special_bytes(word) | (word & RTS_JSON_TOPS) |
             rts_json_zero_bytes(word ^ 0x7f * RTS_JSON_ONES));
}

static void append_escape(struct rts_buffer *buffer, uint32_t point)
{
    const char escape[] = {'\\', rts_json_escape_letter(point)};
    if (escape[1]) {
        rts_buffer_append(buffer, escape, sizeof escape);
        return;
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
