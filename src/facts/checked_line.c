/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/checked_line.h"

#include <stdbool.h>
#include <string.h>

#include "util/clock.h"
#include "util/json_text.h"
#include "util/utf8.h"

/* Keys of one metadata object; more than any sampler writes, so that telling them apart is cheap.
 */
#define METADATA_KEYS_MAX 64

/* How much of a wrong key or value a message repeats. */
#define SHOWN_MAX 40

struct scanner {
    const char *at, *end;
    struct rts_checked_line *line;
    struct rts_error *error;
};

enum value_type {
    STRING,
    TEXT_NOT_EMPTY,
    TIME,
    NUMBER,
    COUNT,
    STRINGS
};

#define KEY(name, type)                                                                            \
    {                                                                                              \
        name, sizeof name - 1, type                                                                \
    }

/* The contract's keys, in its order. */
static const struct {
    const char *name;
    size_t size;
    enum value_type type;
} keys[] = {
    KEY("symbolId", TEXT_NOT_EMPTY), KEY("codeId", STRING),      KEY("purl", STRING),
    KEY("buildId", STRING),          KEY("loaderBase", STRING),  KEY("processId", NUMBER),
    KEY("processName", STRING),      KEY("containerId", STRING), KEY("socketAddress", STRING),
    KEY("evidenceUri", STRING),      KEY("hitCount", COUNT),     KEY("observedAt", TIME),
    KEY("metadata", STRINGS),
};

#define KEY_COUNT     (sizeof keys / sizeof *keys)
#define KEY_SYMBOL_ID 0
#define KEY_HIT_COUNT 10

static int fail(struct scanner *scanner, const char *reason)
{
    return rts_fail(scanner->error, RTS_FAILED, "%s", reason);
}

static int fail_about(struct scanner *scanner, struct rts_text_span what, const char *reason)
{
    int size = what.size < SHOWN_MAX ? (int)what.size : SHOWN_MAX;
    return rts_fail(scanner->error, RTS_FAILED, "%.*s %s", size, what.text, reason);
}

static struct rts_text_span name_span(const char *name)
{
    return (struct rts_text_span){.text = name, .size = strlen(name)};
}

static void skip_blanks(struct scanner *scanner)
{
    while (scanner->at < scanner->end && rts_json_is_blank(*scanner->at))
        scanner->at++;
}

static bool take(struct scanner *scanner, char byte)
{
    skip_blanks(scanner);
    if (scanner->at == scanner->end || *scanner->at != byte)
        return false;
    scanner->at++;
    return true;
}

/* ---- strings ---- */

/* Bytes of the escape at `at`, 0 when it is wrong. */
static size_t escape_size(const char *at, const char *end)
{
    uint32_t point;
    return rts_json_escape_read(at, (size_t)(end - at), &point);
}

/* Bytes of the character at `at`, 0 when it is not UTF-8. */
static size_t character_size(const char *at, const char *end)
{
    struct rts_utf8 character = rts_utf8_decode(at, (size_t)(end - at));
    return character.valid ? character.size : 0;
}

static bool is_plain(char byte)
{
    return (unsigned char)byte >= 0x20 && (unsigned char)byte < 0x80 && byte != '"' && byte != '\\';
}

static bool eight_plain(const char *at)
{
    uint64_t word = rts_json_word(at);
    return (rts_json_special_bytes(word) | (word & RTS_JSON_TOPS)) == 0;
}

static int string(struct scanner *scanner, struct rts_text_span *span)
{
    if (!take(scanner, '"'))
        return fail(scanner, "is not JSON: a string is missing");
    const char *begin = scanner->at, *at = begin;
    for (;;) {
        while (scanner->end - at >= 8 && eight_plain(at))
            at += 8;
        while (at < scanner->end && is_plain(*at))
            at++;
        if (at == scanner->end)
            return fail(scanner, "is not JSON: a string does not end");
        if (*at == '"')
            break;
        if ((unsigned char)*at < 0x20)
            return fail(scanner, "is not JSON: a control character in a string");
        size_t size =
            *at == '\\' ? escape_size(at, scanner->end) : character_size(at, scanner->end);
        if (size == 0)
            return fail(scanner,
                        *at == '\\' ? "is not JSON: a wrong escape in a string" : "is not UTF-8");
        at += size;
    }
    *span = (struct rts_text_span){.text = begin, .size = (size_t)(at - begin)};
    scanner->at = at + 1;
    return 0;
}

/* ---- values ---- */

static bool digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static unsigned number_at(const char *text, size_t count)
{
    unsigned number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (unsigned)(text[i] - '0');
    return number;
}

/* "2025-11-26T12:00:00" in the proleptic Gregorian calendar, without leap seconds. */
static bool is_time(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !digits(text + i, 1) : text[i] != form[i])
            return false;
    return rts_is_date(number_at(text, 4), number_at(text + 5, 2), number_at(text + 8, 2)) &&
           number_at(text + 11, 2) < 24 && number_at(text + 14, 2) < 60 &&
           number_at(text + 17, 2) < 60;
}

/* UTC only: "Z" or "+00:00", with up to nine digits of a fraction before it. */
static int time_value(struct scanner *scanner, const char *name)
{
    static const char reason[] = "is not a time in UTC such as \"2025-11-26T12:00:00.123Z\"";
    struct rts_text_span span;
    if (string(scanner, &span) < 0)
        return -1;
    size_t size = 19, fraction = 0;
    if (span.size <= size || !is_time(span.text))
        return fail_about(scanner, name_span(name), reason);
    if (span.text[size] == '.') {
        while (size + 1 + fraction < span.size && digits(span.text + size + 1 + fraction, 1))
            fraction++;
        if (fraction < 1 || fraction > 9)
            return fail_about(scanner, name_span(name), reason);
        size += 1 + fraction;
    }
    const char *zone = span.text + size;
    size_t zone_size = span.size - size;
    if (!(zone_size == 1 && zone[0] == 'Z') && !(zone_size == 6 && memcmp(zone, "+00:00", 6) == 0))
        return fail_about(scanner, name_span(name), reason);
    while (fraction > 0 && (span.text[size - 1] == '0' || span.text[size - 1] == '.'))
        if (span.text[--size] == '.')
            break;
    scanner->line->time = (struct rts_text_span){.text = span.text, .size = size};
    return 0;
}

/* A whole number as JSON writes it, not below `minimum`; no fraction, no exponent. */
static int number_value(struct scanner *scanner, const char *name, uint64_t minimum,
                        uint64_t *number)
{
    skip_blanks(scanner);
    const char *begin = scanner->at;
    *number = 0;
    while (scanner->at < scanner->end && digits(scanner->at, 1)) {
        unsigned digit = (unsigned)(*scanner->at++ - '0');
        if (*number > ((uint64_t)INT64_MAX - digit) / 10)
            return fail_about(scanner, name_span(name), "is too large");
        *number = *number * 10 + digit;
    }
    size_t size = (size_t)(scanner->at - begin);
    bool goes_on = scanner->at < scanner->end && strchr(".eE", *scanner->at) && *scanner->at;
    if (size == 0 || goes_on || (size > 1 && *begin == '0') || *number < minimum)
        return fail_about(scanner, name_span(name),
                          minimum ? "is not a whole number above 0" : "is not a whole number");
    return 0;
}

static bool is_repeated(const struct rts_text_span *seen, size_t count, struct rts_text_span key)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i].size == key.size && memcmp(seen[i].text, key.text, key.size) == 0)
            return true;
    return false;
}

static int metadata_value(struct scanner *scanner)
{
    struct rts_text_span seen[METADATA_KEYS_MAX], value;
    size_t count = 0;
    if (!take(scanner, '{'))
        return fail(scanner, "metadata is not an object");
    if (take(scanner, '}'))
        return 0;
    do {
        if (count == METADATA_KEYS_MAX)
            return rts_fail(scanner->error, RTS_FAILED, "metadata has more than %d keys",
                            METADATA_KEYS_MAX);
        if (string(scanner, &seen[count]) < 0)
            return -1;
        if (is_repeated(seen, count, seen[count]))
            return fail_about(scanner, seen[count], "is in metadata twice");
        if (!take(scanner, ':'))
            return fail(scanner, "is not JSON: a colon is missing in metadata");
        skip_blanks(scanner);
        if (scanner->at < scanner->end && *scanner->at != '"')
            return fail_about(scanner, seen[count], "in metadata is not a string");
        if (string(scanner, &value) < 0)
            return -1;
        count++;
    } while (take(scanner, ','));
    return take(scanner, '}') ? 0 : fail(scanner, "is not JSON: metadata does not end");
}

static int text_value(struct scanner *scanner, const char *name, bool may_be_empty,
                      struct rts_text_span *span)
{
    skip_blanks(scanner);
    if (scanner->at < scanner->end && *scanner->at != '"')
        return fail_about(scanner, name_span(name), "is not a string");
    if (string(scanner, span) < 0)
        return -1;
    return span->size || may_be_empty ? 0 : fail_about(scanner, name_span(name), "is empty");
}

static int key_value(struct scanner *scanner, size_t key)
{
    struct rts_text_span span;
    uint64_t number;
    const char *name = keys[key].name;
    switch (keys[key].type) {
    case STRING: return text_value(scanner, name, true, &span);
    case TEXT_NOT_EMPTY: return text_value(scanner, name, false, &scanner->line->symbol_id);
    case TIME:
        skip_blanks(scanner);
        if (scanner->at < scanner->end && *scanner->at != '"')
            return fail_about(scanner, name_span(name), "is not a string");
        return time_value(scanner, name);
    case NUMBER: return number_value(scanner, name, 0, &number);
    case COUNT: return number_value(scanner, name, 1, &scanner->line->hits);
    case STRINGS: return metadata_value(scanner);
    }
    return -1;
}

/* ---- the line ---- */

static size_t find_key(struct rts_text_span key)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i].size == key.size && memcmp(keys[i].name, key.text, key.size) == 0)
            return i;
    return KEY_COUNT;
}

static int members(struct scanner *scanner, unsigned *seen)
{
    do {
        struct rts_text_span name;
        if (string(scanner, &name) < 0)
            return -1;
        size_t key = find_key(name);
        if (key == KEY_COUNT)
            return fail_about(scanner, name,
                              "is not a key of a fact; what is extra goes into "
                              "metadata");
        if (*seen & 1u << key)
            return fail_about(scanner, name, "is given twice");
        *seen |= 1u << key;
        if (!take(scanner, ':'))
            return fail(scanner, "is not JSON: a colon is missing");
        if (key_value(scanner, key) < 0)
            return -1;
    } while (take(scanner, ','));
    return take(scanner, '}') ? 0 : fail(scanner, "is not JSON: the object does not end");
}

int rts_checked_line_read(struct rts_checked_line *line, const char *text, size_t size,
                          struct rts_error *error)
{
    struct scanner scanner = {.at = text, .end = text + size, .line = line, .error = error};
    unsigned seen = 0;
    *line = (struct rts_checked_line){0};
    if (size > RTS_CHECKED_LINE_MAX)
        return rts_fail(error, RTS_FAILED, "is longer than %u bytes", RTS_CHECKED_LINE_MAX);
    skip_blanks(&scanner);
    line->json.text = scanner.at;
    if (!take(&scanner, '{'))
        return fail(&scanner, "is not a JSON object");
    if (!take(&scanner, '}') && members(&scanner, &seen) < 0)
        return -1;
    line->json.size = (size_t)(scanner.at - line->json.text);
    skip_blanks(&scanner);
    if (scanner.at != scanner.end)
        return fail(&scanner, "goes on after its object");
    if (!(seen & 1u << KEY_SYMBOL_ID))
        return fail(&scanner, "symbolId is missing");
    if (!(seen & 1u << KEY_HIT_COUNT))
        return fail(&scanner, "hitCount is missing");
    return 0;
}

static int compare_spans(struct rts_text_span a, struct rts_text_span b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.text, b.text, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

int rts_checked_line_compare(const struct rts_checked_line *a, const struct rts_checked_line *b)
{
    int order = compare_spans(a->time, b->time);
    if (order == 0)
        order = compare_spans(a->symbol_id, b->symbol_id);
    return order ? order : compare_spans(a->json, b->json);
}
