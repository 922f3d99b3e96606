/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "delivery/gzip.h"

static const struct rts_batch_form ndjson = {"path: /x\nquery: \n", NULL};
static const struct rts_batch_form structured = {"path: /x\nquery: \n",
                                                 "{\"callgraphId\":\"c\",\"events\":["};

static struct rts_batch *cut(const struct rts_batch_form *form, const char *lines, size_t *position,
                             uint32_t events_max)
{
    return rts_batch_cut(form, lines, strlen(lines), position, events_max, 7);
}

static void assert_body(const struct rts_batch *batch, const char *body)
{
    assert_int_equal(batch->body.size, strlen(body));
    assert_memory_equal(batch->body.data, body, strlen(body));
}

static void cuts_whole_lines(void **state)
{
    (void)state;
    static const char lines[] = "a\nbb\n\nccc\nd\n\n\ne";
    static const char *const bodies[] = {"a\nbb\n", "ccc\nd\n", "e\n"};
    static const uint32_t events[] = {2, 2, 1};
    size_t position = 0;
    for (size_t i = 0; i < 3; i++) {
        struct rts_batch *batch = cut(&ndjson, lines, &position, 2);
        assert_body(batch, bodies[i]);
        assert_int_equal(batch->events, events[i]);
        assert_false(batch->gzip);
        rts_batch_destroy(batch);
    }
    assert_null(cut(&ndjson, lines, &position, 2));
    assert_int_equal(position, sizeof lines - 1);
}

static void nothing_makes_no_batch(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "\n\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t position = 0;
        assert_null(cut(&ndjson, texts[i], &position, 10));
        assert_null(cut(&structured, texts[i], &position, 10));
    }
}

static void structured_body(void **state)
{
    (void)state;
    size_t position = 0;
    struct rts_batch *batch = cut(&structured, "{\"a\":1}\n{\"b\":2}\n", &position, 10);
    assert_body(batch, "{\"callgraphId\":\"c\",\"events\":[\n{\"a\":1},\n{\"b\":2}\n]}\n");
    assert_true(batch->structured);
    rts_batch_destroy(batch);
}

/* What "printf 'a\nbb\n' | sha256sum" says, and a UUID made of it in Python:
 * hashlib.sha256(("%016x-%s" % (7, digest)).encode()), version 8, variant 10. */
static void digest_and_key(void **state)
{
    (void)state;
    char hex[RTS_SHA256_HEX_SIZE];
    size_t position = 0;
    struct rts_batch *batch = cut(&ndjson, "a\nbb\n", &position, 10);
    rts_sha256_hex(batch->id.digest, hex);
    assert_string_equal(hex, "69a6354753600a031ddfc7a3e3f11959ee23d21f773e085f30d769331bea8dfc");
    assert_string_equal(batch->key, "40e976f7-ba23-85ee-aa71-d3ce1a47fe51");
    struct rts_batch_id other = batch->id;
    char key[RTS_BATCH_KEY_SIZE];
    other.sequence = 8;
    rts_batch_key(&other, key);
    assert_string_not_equal(batch->key, key);
    rts_batch_destroy(batch);
}

static char *many_lines(size_t count, size_t *size)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    for (size_t i = 0; i < count; i++)
        rts_buffer_format(&text,
                          "{\"symbolId\":\"s%zu\",\"hitCount\":%zu,\"filling\":\"%060zu\"}\n", i,
                          i + 1, i * 7919);
    *size = text.size;
    return text.data;
}

static void large_bodies_are_compressed(void **state)
{
    (void)state;
    size_t size, position = 0, again = 0;
    char *lines = many_lines(1000, &size);
    assert_true(size > RTS_BATCH_PLAIN_MAX);
    struct rts_batch *batch = rts_batch_cut(&ndjson, lines, size, &position, 1000, 1);
    struct rts_batch *same = rts_batch_cut(&ndjson, lines, size, &again, 1000, 1);
    assert_true(batch->gzip);
    assert_int_equal(batch->body.size, same->body.size);
    assert_memory_equal(batch->body.data, same->body.data, same->body.size);
    assert_memory_equal(batch->body.data, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    struct rts_buffer content = RTS_BUFFER_INIT;
    assert_int_equal(rts_gunzip(&content, batch->body.data, batch->body.size, size, NULL), 0);
    assert_int_equal(content.size, size);
    assert_memory_equal(content.data, lines, size);
    rts_buffer_finish(&content);
    rts_batch_destroy(batch);
    rts_batch_destroy(same);
    free(lines);
}

/* The limit is on what is compressed: exactly 64 KiB stay as they are. */
static void the_limit_of_compression(void **state)
{
    (void)state;
    char *line = malloc(RTS_BATCH_PLAIN_MAX + 2);
    memset(line, 'x', RTS_BATCH_PLAIN_MAX + 2);
    for (size_t more = 0; more < 2; more++) {
        size_t size = RTS_BATCH_PLAIN_MAX + more, position = 0;
        line[size - 1] = '\n';
        struct rts_batch *batch = rts_batch_cut(&ndjson, line, size, &position, 10, 1);
        assert_int_equal(batch->gzip, more == 1);
        rts_batch_destroy(batch);
        line[size - 1] = 'x';
    }
    free(line);
}

static void bytes_bound_a_batch_too(void **state)
{
    (void)state;
    size_t size = 3 * (RTS_BATCH_LINES_MAX / 2), position = 0;
    char *lines = malloc(size);
    memset(lines, 'x', size);
    for (size_t i = 1; i <= 3; i++)
        lines[i * (RTS_BATCH_LINES_MAX / 2) - 1] = '\n';
    struct rts_batch *batch = rts_batch_cut(&ndjson, lines, size, &position, 1000, 1);
    assert_int_equal(batch->events, 2);
    rts_batch_destroy(batch);
    batch = rts_batch_cut(&ndjson, lines, size, &position, 1000, 1);
    assert_int_equal(batch->events, 1);
    rts_batch_destroy(batch);
    lines[RTS_BATCH_LINES_MAX / 2 - 1] = lines[RTS_BATCH_LINES_MAX - 1] = 'x';
    position = 0;
    batch = rts_batch_cut(&ndjson, lines, size, &position, 1000, 1);
    assert_int_equal(batch->events, 1); /* larger than the bound, and whole all the same */
    assert_int_equal(position, size);
    rts_batch_destroy(batch);
    free(lines);
}

/* Halves until single events are left; together they are the whole, in order. */
static uint32_t halve_down(const struct rts_batch *batch, struct rts_buffer *events)
{
    struct rts_batch *halves[2];
    if (rts_batch_split(batch, halves, NULL) < 0) {
        assert_int_equal(batch->events, 1);
        struct rts_buffer content = RTS_BUFFER_INIT;
        const char *text = batch->body.data;
        if (batch->gzip) {
            assert_int_equal(rts_gunzip(&content, text, batch->body.size, 1u << 20, NULL), 0);
            text = content.data;
        }
        const char *start = batch->structured ? strchr(text, '\n') + 1 : text;
        rts_buffer_append(events, start, strcspn(start, "\n"));
        rts_buffer_text(events, "\n");
        rts_buffer_finish(&content);
        return 1;
    }
    assert_true(rts_batch_compare(&batch->id, &halves[0]->id) < 0);
    assert_true(rts_batch_compare(&halves[0]->id, &halves[1]->id) < 0);
    assert_memory_equal(halves[1]->parent, batch->id.digest, RTS_SHA256_SIZE);
    assert_string_not_equal(halves[0]->key, halves[1]->key);
    assert_string_equal(halves[0]->envelope, batch->envelope);
    uint32_t count = 0;
    for (int i = 0; i < 2; i++) {
        count += halve_down(halves[i], events);
        rts_batch_destroy(halves[i]);
    }
    return count;
}

static void halves_make_the_whole(void **state)
{
    (void)state;
    const struct rts_batch_form *forms[] = {&ndjson, &structured};
    static const size_t counts[] = {2, 3, 7, 1000};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 4; k++) {
            size_t size, position = 0;
            char *lines = many_lines(counts[k], &size);
            struct rts_batch *batch = rts_batch_cut(forms[i], lines, size, &position, 5000, 9);
            struct rts_buffer events = RTS_BUFFER_INIT;
            assert_int_equal(halve_down(batch, &events), counts[k]);
            assert_string_equal(events.data, lines);
            rts_buffer_finish(&events);
            rts_batch_destroy(batch);
            free(lines);
        }
    }
}

static void what_cannot_be_halved(void **state)
{
    (void)state;
    struct rts_batch *halves[2];
    size_t position = 0;
    struct rts_batch *batch = cut(&structured, "{}\n{}\n{}\n", &position, 10);
    batch->events = 4;
    assert_int_equal(rts_batch_split(batch, halves, NULL), -1);
    batch->events = 3;
    batch->body.data[3] = '\n';
    assert_int_equal(rts_batch_split(batch, halves, NULL), -1);
    batch->body.size = 3;
    assert_int_equal(rts_batch_split(batch, halves, NULL), -1);
    batch->gzip = true;
    assert_int_equal(rts_batch_split(batch, halves, NULL), -1);
    rts_batch_destroy(batch);
}

static void gunzip_is_bounded(void **state)
{
    (void)state;
    struct rts_buffer packed = RTS_BUFFER_INIT, out = RTS_BUFFER_INIT;
    char *zeros = calloc(1, 10u << 20);
    rts_gzip(&packed, zeros, 10u << 20);
    assert_int_equal(rts_gunzip(&out, packed.data, packed.size, 1u << 20, NULL), -1);
    assert_true(out.size < 2u << 20);
    rts_buffer_clear(&out);
    assert_int_equal(rts_gunzip(&out, packed.data, packed.size - 1, 20u << 20, NULL), -1);
    rts_buffer_clear(&out);
    rts_buffer_text(&packed, "x");
    assert_int_equal(rts_gunzip(&out, packed.data, packed.size, 20u << 20, NULL), -1);
    rts_buffer_finish(&packed);
    rts_buffer_finish(&out);
    free(zeros);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_whole_lines),
        cmocka_unit_test(nothing_makes_no_batch),
        cmocka_unit_test(structured_body),
        cmocka_unit_test(digest_and_key),
        cmocka_unit_test(large_bodies_are_compressed),
        cmocka_unit_test(the_limit_of_compression),
        cmocka_unit_test(bytes_bound_a_batch_too),
        cmocka_unit_test(halves_make_the_whole),
        cmocka_unit_test(what_cannot_be_halved),
        cmocka_unit_test(gunzip_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
