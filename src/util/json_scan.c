/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_text.h"
#include "util/memory.h"
#include "util/utf8.h"

#define BUFFER_SIZE (2 * RTS_JSON_TOKEN_MAX)

/* Read at once: what was just read should still be in the cache when it is scanned. */
#define CHUNK_SIZE ((size_t)128 << 10)

#define NO_TOKEN SIZE_MAX

void rts_json_scan_init(struct rts_json_scan *scan, rts_json_read read, void *context,
                        struct rts_error *error)
{
    *scan = (struct rts_json_scan){
        .read = read,
        .context = context,
        .error = error,
        .buffer = rts_realloc_array(NULL, BUFFER_SIZE, 1),
        .keep = NO_TOKEN,
    };
}

void rts_json_scan_finish(struct rts_json_scan *scan)
{
    free(scan->buffer);
    scan->buffer = NULL;
}

bool rts_json_scan_fail(struct rts_json_scan *scan, const char *reason)
{
    if (!scan->failed)
        rts_fail(scan->error, RTS_FAILED, "byte %" PRIu64 ": %s", scan->passed + scan->at, reason);
    scan->failed = true;
    return false;
}

/* Has at least one more byte at scan->at; false at the end and after a failure. */
static bool refill(struct rts_json_scan *scan)
{
    if (scan->failed || scan->ended)
        return false;
    size_t from = scan->keep == NO_TOKEN ? scan->at : scan->keep;
    if (scan->end - from > RTS_JSON_TOKEN_MAX)
        return rts_json_scan_fail(scan, "a string or number is longer than 1 MiB");
    if (from > 0) /* else a long text that comes in small pieces would be moved for each */
        memmove(scan->buffer, scan->buffer + from, scan->end - from);
    scan->passed += from;
    scan->at -= from;
    scan->end -= from;
    if (scan->keep != NO_TOKEN)
        scan->keep = 0;
    size_t room = BUFFER_SIZE - scan->end;
    long size = scan->read(scan->context, scan->buffer + scan->end,
                           room < CHUNK_SIZE ? room : CHUNK_SIZE, scan->error);
    if (size < 0)
        scan->failed = true;
    scan->ended = size == 0;
    if (size <= 0)
        return false;
    scan->end += (size_t)size;
    return true;
}

static inline bool has_byte(struct rts_json_scan *scan)
{
    return scan->at < scan->end ? !scan->failed : refill(scan);
}

static inline int peek(struct rts_json_scan *scan)
{
    while (has_byte(scan)) {
        char byte = scan->buffer[scan->at];
        if (!rts_json_is_blank(byte))
            return (unsigned char)byte;
        scan->at++;
    }
    return -1;
}

int rts_json_scan_peek(struct rts_json_scan *scan)
{
    return peek(scan);
}

bool rts_json_scan_take(struct rts_json_scan *scan, char byte)
{
    if (peek(scan) != (unsigned char)byte)
        return false;
    scan->at++;
    return true;
}

/* Moves to the quote that ends the current string. */
static bool find_quote(struct rts_json_scan *scan, bool *escaped)
{
    for (;;) {
        const char *at = scan->buffer + scan->at, *end = scan->buffer + scan->end;
        uint64_t special = 0;
        while (end - at >= 8 && (special = rts_json_special_bytes(rts_json_word(at))) == 0)
            at += 8;
        if (special)
            at += __builtin_ctzll(special) / 8;
        scan->at = (size_t)(at - scan->buffer);
        if (!has_byte(scan))
            return rts_json_scan_fail(scan, "a string does not end");
        char byte = scan->buffer[scan->at];
        if (byte == '"')
            return true;
        if ((unsigned char)byte < 0x20)
            return rts_json_scan_fail(scan, "a control character in a string");
        scan->at++;
        if (byte != '\\')
            continue;
        *escaped = true;
        if (!has_byte(scan))
            return rts_json_scan_fail(scan, "a string does not end");
        scan->at++;
    }
}

bool rts_json_scan_string(struct rts_json_scan *scan, struct rts_json_text *text)
{
    if (!rts_json_scan_take(scan, '"'))
        return rts_json_scan_fail(scan, "a string is missing");
    text->escaped = false;
    scan->keep = scan->at;
    bool found = find_quote(scan, &text->escaped);
    text->bytes = scan->buffer + scan->keep;
    text->size = scan->at - scan->keep;
    scan->keep = NO_TOKEN;
    scan->at += found;
    return found;
}

bool rts_json_scan_key(struct rts_json_scan *scan, struct rts_json_text *key)
{
    if (peek(scan) != '"')
        return rts_json_scan_fail(scan, "a key is missing");
    scan->at++;
    key->escaped = false;
    /* Kept until the colon is taken, which may need more input. */
    scan->keep = scan->at;
    bool found = find_quote(scan, &key->escaped);
    size_t size = scan->at - scan->keep;
    scan->at += found;
    if (found && !rts_json_scan_take(scan, ':'))
        found = rts_json_scan_fail(scan, "a colon is missing");
    key->bytes = scan->buffer + scan->keep;
    key->size = size;
    scan->keep = NO_TOKEN;
    return found;
}

static bool is_word(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '-' ||
           byte == '+' || byte == '.' || byte == 'E';
}

bool rts_json_scan_word(struct rts_json_scan *scan, struct rts_json_text *text)
{
    if (peek(scan) < 0 || !is_word(scan->buffer[scan->at]))
        return rts_json_scan_fail(scan, "a value is missing");
    scan->keep = scan->at;
    while (has_byte(scan) && is_word(scan->buffer[scan->at]))
        scan->at++;
    text->bytes = scan->buffer + scan->keep;
    text->size = scan->at - scan->keep;
    text->escaped = false;
    scan->keep = NO_TOKEN;
    return !scan->failed;
}

/* One token within something that is skipped. `closers` has what ends each level. */
static bool skip_token(struct rts_json_scan *scan, char closers[RTS_JSON_DEPTH_MAX],
                       unsigned *depth)
{
    struct rts_json_text ignored;
    int byte = peek(scan);
    switch (byte) {
    case -1: return rts_json_scan_fail(scan, "the input ends within a value");
    case '"': return rts_json_scan_string(scan, &ignored);
    case '{':
    case '[':
        if (*depth == RTS_JSON_DEPTH_MAX)
            return rts_json_scan_fail(scan, "values are nested too deeply");
        closers[(*depth)++] = byte == '{' ? '}' : ']';
        break;
    case '}':
    case ']':
        if (*depth == 0 || closers[--*depth] != byte)
            return rts_json_scan_fail(scan, "a bracket that was not opened");
        break;
    case ',':
    case ':':
        if (*depth == 0)
            return rts_json_scan_fail(scan, "a value is missing");
        break;
    default: return rts_json_scan_word(scan, &ignored);
    }
    scan->at++;
    return true;
}

bool rts_json_scan_skip(struct rts_json_scan *scan)
{
    char closers[RTS_JSON_DEPTH_MAX];
    unsigned depth = 0;
    do {
        if (!skip_token(scan, closers, &depth))
            return false;
    } while (depth > 0);
    return true;
}

/* ---- escapes ---- */

/* Replaces the escape at `at` by bytes[*length]; returns how long it was, 0 when it is wrong. */
static size_t unescape(const char *at, size_t left, char bytes[4], size_t *length)
{
    uint32_t point = 0;
    size_t size = rts_json_escape_read(at, left, &point);
    if (size == 0 || point == 0)
        return 0;
    *length = rts_utf8_encode(point, bytes);
    return size;
}

size_t rts_json_text_decode(const struct rts_json_text *text, char *out, size_t capacity)
{
    if (!text->escaped) {
        if (text->size > capacity)
            return SIZE_MAX;
        memcpy(out, text->bytes, text->size);
        return text->size;
    }
    size_t size = 0;
    for (size_t at = 0; at < text->size;) {
        char bytes[4] = {text->bytes[at]};
        size_t length = 1, taken = 1;
        if (bytes[0] == '\\')
            taken = unescape(text->bytes + at, text->size - at, bytes, &length);
        if (taken == 0 || length > capacity - size)
            return SIZE_MAX;
        memcpy(out + size, bytes, length);
        size += length;
        at += taken;
    }
    return size;
}
