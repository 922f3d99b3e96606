/* SPDX-License-Identifier: Apache-2.0 */
/* What the scanner reads is compared with what jansson reads, of random documents and damaged ones,
 * which come in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../suite.h"
#include "util/json_scan.h"
#include "util/memory.h"

#define DEPTH_MAX 32

/* The same numbers every time. */
static uint32_t chance(uint32_t below)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

struct source {
    const char *bytes;
    size_t size, at;
    size_t step; /* bytes given at once; 0: a random number of them */
};

static long give(void *context, void *bytes, size_t size, struct rts_error *error)
{
    (void)error;
    struct source *source = context;
    size_t step = source->step ? source->step : 1 + chance(20), left = source->size - source->at;
    size = size < step ? size : step;
    size = size < left ? size : left;
    memcpy(bytes, source->bytes + source->at, size);
    source->at += size;
    return (long)size;
}

static const size_t steps[] = {1, 2, 7, 0, SIZE_MAX};

/* ---- the scanner's tokens, put together ---- */

static json_t *text_value(const struct rts_json_text *text)
{
    char *out = rts_calloc(1, text->size + 1);
    size_t size = rts_json_text_decode(text, out, text->size);
    json_t *value = size == SIZE_MAX ? NULL : json_stringn(out, size);
    free(out);
    return value;
}

static json_t *read_value(struct rts_json_scan *scan, int depth);

static bool read_member(struct rts_json_scan *scan, json_t *object, int depth)
{
    struct rts_json_text key;
    if (!rts_json_scan_key(scan, &key))
        return false;
    json_t *name = text_value(&key);
    json_t *value = name ? read_value(scan, depth) : NULL;
    bool set = value && json_object_set_new(object, json_string_value(name), value) == 0;
    json_decref(name);
    return set;
}

static json_t *read_items(struct rts_json_scan *scan, json_t *into, char closer, int depth)
{
    bool right = depth < DEPTH_MAX;
    if (right && rts_json_scan_take(scan, closer))
        return into;
    do {
        if (closer == '}')
            right = right && read_member(scan, into, depth + 1);
        else
            right = right && json_array_append_new(into, read_value(scan, depth + 1)) == 0;
    } while (right && rts_json_scan_take(scan, ','));
    if (right && rts_json_scan_take(scan, closer))
        return into;
    json_decref(into);
    return NULL;
}

static json_t *read_value(struct rts_json_scan *scan, int depth)
{
    struct rts_json_text text;
    if (rts_json_scan_take(scan, '{'))
        return read_items(scan, json_object(), '}', depth);
    if (rts_json_scan_take(scan, '['))
        return read_items(scan, json_array(), ']', depth);
    if (rts_json_scan_peek(scan) == '"')
        return rts_json_scan_string(scan, &text) ? text_value(&text) : NULL;
    /* The scanner leaves it to its user what a word means. */
    return rts_json_scan_word(scan, &text)
               ? json_loadb(text.bytes, text.size, JSON_DECODE_ANY, NULL)
               : NULL;
}

/* The one document that the bytes are; NULL: they are none. */
static json_t *read_document(const char *bytes, size_t size, size_t step)
{
    struct source source = {.bytes = bytes, .size = size, .step = step};
    struct rts_json_scan scan;
    struct rts_error error;
    rts_json_scan_init(&scan, give, &source, &error);
    json_t *value = read_value(&scan, 0);
    if (value && (rts_json_scan_peek(&scan) >= 0 || scan.failed)) {
        json_decref(value);
        value = NULL;
    }
    rts_json_scan_finish(&scan);
    return value;
}

/* Can it be passed over, as one document? */
static bool skip_document(const char *bytes, size_t size, size_t step)
{
    struct source source = {.bytes = bytes, .size = size, .step = step};
    struct rts_json_scan scan;
    struct rts_error error;
    rts_json_scan_init(&scan, give, &source, &error);
    bool skipped = rts_json_scan_skip(&scan) && rts_json_scan_peek(&scan) < 0 && !scan.failed;
    rts_json_scan_finish(&scan);
    return skipped;
}

/* Returns whether the bytes are a document. */
static bool compare(const char *bytes, size_t size, size_t step)
{
    json_t *expected = json_loadb(bytes, size, JSON_DECODE_ANY, NULL);
    json_t *found = read_document(bytes, size, step);
    bool known = expected != NULL;
    if (known != (found != NULL) || (known && !json_equal(expected, found)))
        fail_msg("read otherwise than by jansson: %.*s", (int)size, bytes);
    if (known && !skip_document(bytes, size, step))
        fail_msg("not passed over: %.*s", (int)size, bytes);
    json_decref(expected);
    json_decref(found);
    return known;
}

/* ---- documents ---- */

static json_t *random_text(void)
{
    static const char *const parts[] = {"a",
                                        "symbol_id",
                                        "\"",
                                        "\\",
                                        "\n",
                                        "\x01",
                                        "/",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x90\xa7",
                                        "\x7f",
                                        "plain text of more than one word",
                                        "u0041",
                                        "{[,:]}"};
    char text[400] = "";
    for (uint32_t count = chance(9); count > 0; count--)
        strcat(text, parts[chance(sizeof parts / sizeof *parts)]);
    return json_string(text);
}

static json_t *random_value(int depth)
{
    uint32_t kind = chance(depth < 5 ? 8 : 6);
    switch (kind) {
    case 0: return json_integer((json_int_t)chance(UINT32_MAX) - 1000000);
    case 1: return json_real((double)chance(1000000) / 1024 * (chance(2) ? 1e-9 : 1e20));
    case 2: return chance(2) ? json_true() : json_false();
    case 3: return json_null();
    case 4:
    case 5: return random_text();
    default: break;
    }
    json_t *value = kind == 6 ? json_object() : json_array();
    for (uint32_t count = chance(7); count > 0; count--) {
        json_t *key = random_text();
        if (kind == 6)
            json_object_set_new(value, json_string_value(key), random_value(depth + 1));
        else
            json_array_append_new(value, random_value(depth + 1));
        json_decref(key);
    }
    return value;
}

static char *random_document(void)
{
    static const size_t forms[] = {0, JSON_COMPACT, JSON_INDENT(3), JSON_ENSURE_ASCII};
    json_t *value = random_value(0);
    char *text = json_dumps(value, JSON_ENCODE_ANY | forms[chance(4)]);
    json_decref(value);
    assert_non_null(text);
    return text;
}

static void documents_are_read_as_jansson_reads_them(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        char *text = random_document();
        for (size_t j = 0; j < sizeof steps / sizeof *steps; j++)
            assert_true(compare(text, strlen(text), steps[j]));
        free(text);
    }
}

static void damaged_documents_are_refused_as_by_jansson(void **state)
{
    (void)state;
    static const char bytes[] = "{}[],:\"\\ntfu01-+.eE \n\t\x01/";
    int refused = 0, accepted = 0;
    for (int i = 0; i < 4000; i++) {
        char *text = random_document();
        size_t size = strlen(text);
        for (uint32_t count = 1 + chance(3); count > 0; count--)
            text[chance((uint32_t)size)] = bytes[chance(sizeof bytes - 1)];
        if (chance(4) == 0)
            size = chance((uint32_t)size + 1);
        bool known = compare(text, size, 0);
        refused += !known;
        accepted += known;
        free(text);
    }
    assert_true(refused > 500 && accepted > 500);
}

static void escapes_are_those_of_jansson(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "\\",  "u",   "00", "d8",   "dC",   "DB",    "ff",     "e9",     "\\u", "\\n",     "\\\"",
        "\\/", "\\b", "x",  "\\u0", "20aC", "\\uD8", "\\udc0", "\\u004", "\\f", "\xc3\xa9"};
    int accepted = 0;
    for (int i = 0; i < 60000; i++) {
        char text[100] = "\"";
        for (uint32_t count = 1 + chance(7); count > 0; count--)
            strcat(text, parts[chance(sizeof parts / sizeof *parts)]);
        strcat(text, "\"");
        accepted += compare(text, strlen(text), SIZE_MAX);
    }
    assert_true(accepted > 1000);
    for (unsigned unit = 0; unit < 0x10000; unit += unit < 0xd7f0 || unit > 0xe010 ? 13 : 1) {
        char text[40];
        int size = snprintf(text, sizeof text, "\"\\u%04x\\uDc%02X\"", unit, unit & 0xff);
        compare(text, (size_t)size, SIZE_MAX);
        compare(text, (size_t)snprintf(text, sizeof text, "\"\\u%04X.\"", unit), SIZE_MAX);
    }
}

static void a_text_that_does_not_fit_is_not_decoded(void **state)
{
    (void)state;
    const struct rts_json_text plain = {"abcd", 4, false}, escaped = {"ab\\u20ac", 8, true};
    char out[8];
    assert_int_equal(rts_json_text_decode(&plain, out, 4), 4);
    assert_int_equal(rts_json_text_decode(&plain, out, 3), SIZE_MAX);
    assert_int_equal(rts_json_text_decode(&escaped, out, 5), 5);
    assert_memory_equal(out, "ab\xe2\x82\xac", 5);
    assert_int_equal(rts_json_text_decode(&escaped, out, 4), SIZE_MAX);
}

/* ---- what has no end ---- */

struct endless {
    const char *begin;
    size_t given;
    char byte;
};

static long give_endlessly(void *context, void *bytes, size_t size, struct rts_error *error)
{
    (void)error;
    struct endless *endless = context;
    size_t begin = endless->given ? 0 : strlen(endless->begin);
    assert_true(size > begin);
    memset(bytes, endless->byte, size);
    memcpy(bytes, endless->begin, begin);
    endless->given += size;
    return (long)size;
}

static void endless_tokens_are_refused_soon(void **state)
{
    (void)state;
    const struct endless cases[] = {{"\"", 0, 'a'},   {"\"", 0, '\\'},  {"[\"", 0, ' '},
                                    {"{\"a", 0, 'a'}, {"", 0, '1'},     {"-", 0, '0'},
                                    {"", 0, '['},     {"[[1],", 0, '{'}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endless endless = cases[i];
        struct rts_json_scan scan;
        struct rts_error error;
        rts_json_scan_init(&scan, give_endlessly, &endless, &error);
        assert_false(rts_json_scan_skip(&scan));
        assert_true(endless.given <= 3 * RTS_JSON_TOKEN_MAX);
        assert_non_null(strstr(error.text, "byte "));
        /* From then on everything fails, and nothing is read. */
        struct rts_json_text text;
        size_t given = endless.given;
        assert_int_equal(rts_json_scan_peek(&scan), -1);
        assert_false(rts_json_scan_take(&scan, 'a'));
        assert_false(rts_json_scan_string(&scan, &text) || rts_json_scan_word(&scan, &text));
        assert_false(rts_json_scan_key(&scan, &text) || rts_json_scan_skip(&scan));
        assert_int_equal(endless.given, given);
        rts_json_scan_finish(&scan);
    }
}

static void the_longest_token_is_read(void **state)
{
    (void)state;
    char *text = rts_calloc(1, RTS_JSON_TOKEN_MAX + 3);
    memset(text, 'x', RTS_JSON_TOKEN_MAX + 2);
    text[0] = text[RTS_JSON_TOKEN_MAX + 1] = '"';
    for (size_t i = 2; i < sizeof steps / sizeof *steps; i++)
        assert_true(compare(text, RTS_JSON_TOKEN_MAX + 2, steps[i]));
    free(text);
}

static void values_may_lie_as_deep_as_the_limit(void **state)
{
    (void)state;
    char text[2 * RTS_JSON_DEPTH_MAX + 2];
    for (int more = 0; more < 2; more++) {
        size_t depth = RTS_JSON_DEPTH_MAX + (size_t)more;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(skip_document(text, 2 * depth, 1), !more);
    }
}

static void documents_may_follow_each_other(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,{}]}\n\n\"b\" 3\r\n[]{}null\t";
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct source source = {.bytes = text, .size = sizeof text - 1, .step = steps[i]};
        struct rts_json_scan scan;
        struct rts_error error;
        int count = 0;
        rts_json_scan_init(&scan, give, &source, &error);
        while (rts_json_scan_peek(&scan) >= 0 && rts_json_scan_skip(&scan))
            count++;
        assert_int_equal(count, 6);
        assert_false(scan.failed);
        rts_json_scan_finish(&scan);
    }
}

static long give_nothing(void *context, void *bytes, size_t size, struct rts_error *error)
{
    (void)context;
    (void)bytes;
    (void)size;
    return rts_fail(error, RTS_FAILED, "the disk is gone");
}

static void a_failure_to_read_is_kept(void **state)
{
    (void)state;
    struct rts_json_scan scan;
    struct rts_error error;
    rts_json_scan_init(&scan, give_nothing, NULL, &error);
    assert_int_equal(rts_json_scan_peek(&scan), -1);
    assert_true(scan.failed);
    assert_false(rts_json_scan_skip(&scan));
    assert_string_equal(error.text, "the disk is gone");
    rts_json_scan_finish(&scan);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_jansson_reads_them),
        cmocka_unit_test(damaged_documents_are_refused_as_by_jansson),
        cmocka_unit_test(escapes_are_those_of_jansson),
        cmocka_unit_test(a_text_that_does_not_fit_is_not_decoded),
        cmocka_unit_test(endless_tokens_are_refused_soon),
        cmocka_unit_test(the_longest_token_is_read),
        cmocka_unit_test(values_may_lie_as_deep_as_the_limit),
        cmocka_unit_test(documents_may_follow_each_other),
        cmocka_unit_test(a_failure_to_read_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
