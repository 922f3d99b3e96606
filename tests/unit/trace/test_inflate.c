/* SPDX-License-Identifier: Apache-2.0 */
/* What zstd compressed comes out again, however it is cut into records and asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/inflate.h"

#include "../oracle.h"
#include "../suite.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#define SIZE 300000

struct compressed {
    uint8_t *bytes; /* owned */
    size_t size;
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i % 1000 < 900 ? i * 7 + i / 251 : 42);
}

/* The `size` bytes that byte_at() gives, by zstd(1). */
static struct compressed compress(size_t size, const char *options)
{
#ifndef HAVE_LIBZSTD
    skip();
#endif
    ORACLE_NEEDS("zstd");
    struct compressed result = {.bytes = malloc(2 * SIZE)};
    uint8_t *plain = malloc(size + 1);
    char command[600];
    for (size_t i = 0; i < size; i++)
        plain[i] = byte_at(i);
    char *name = oracle_file(plain, size);
    free(plain);
    snprintf(command, sizeof command, "zstd -q -c %s <%s", options, name);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    result.size = fread(result.bytes, 1, 2 * SIZE, pipe);
    assert_int_equal(pclose(pipe), 0);
    oracle_file_done(name);
    return result;
}

/* Takes all that comes out of the current record, in pieces of `piece`, from *at on. */
static void take_all(struct rts_trace_inflate *inflate, size_t piece, size_t *at)
{
    const uint8_t *bytes;
    for (;;) {
        assert_int_equal(rts_trace_inflate_peek(inflate, piece, &bytes, NULL), 0);
        if (!bytes)
            return;
        for (size_t i = 0; i < piece; i++)
            assert_int_equal(bytes[i], byte_at(*at + i));
        rts_trace_inflate_take(inflate, piece);
        *at += piece;
    }
}

static void in_records_of_any_size_it_is_the_same(void **state)
{
    (void)state;
    static const size_t records[] = {1, 7, 1000, 65528, 2 * SIZE};
    static const size_t pieces[] = {1, 8, 3000, 65535};
    struct compressed all = compress(SIZE, "-1");
    for (size_t r = 0; r < sizeof records / sizeof *records; r++)
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            struct rts_trace_inflate inflate = {0};
            size_t at = 0;
            assert_true(rts_trace_inflate_is_whole(&inflate));
            for (size_t from = 0; from < all.size; from += records[r]) {
                size_t size = all.size - from < records[r] ? all.size - from : records[r];
                assert_int_equal(rts_trace_inflate_feed(&inflate, all.bytes + from, size, NULL), 0);
                take_all(&inflate, pieces[p], &at);
            }
            assert_int_equal(SIZE - at, rts_trace_inflate_left(&inflate));
            assert_true(SIZE - at < pieces[p]);
            assert_int_equal(rts_trace_inflate_is_whole(&inflate), SIZE == at);
            rts_trace_inflate_finish(&inflate);
        }
    free(all.bytes);
}

static void a_missing_end_is_known(void **state)
{
    (void)state;
    struct rts_trace_inflate inflate = {0};
    size_t at = 0;
    struct compressed all = compress(SIZE, "-1");
    assert_int_equal(rts_trace_inflate_feed(&inflate, all.bytes, all.size / 2, NULL), 0);
    take_all(&inflate, 1, &at);
    assert_true(at < SIZE);
    assert_false(rts_trace_inflate_is_whole(&inflate));
    rts_trace_inflate_finish(&inflate);
    free(all.bytes);
}

/* Each byte of a small one, changed: an error, or other bytes; never more than a few. */
static void what_is_damaged_is_an_error(void **state)
{
    (void)state;
    struct compressed all = compress(2000, "-1");
    unsigned errors = 0;
    for (size_t i = 0; i < all.size; i++) {
        struct rts_trace_inflate inflate = {0};
        struct rts_error error;
        const uint8_t *bytes = NULL;
        size_t count = 0;
        all.bytes[i] ^= 0x41;
        int result = rts_trace_inflate_feed(&inflate, all.bytes, all.size, &error);
        while (result == 0 && (result = rts_trace_inflate_peek(&inflate, 1, &bytes, &error)) == 0 &&
               bytes && ++count < 10 * SIZE)
            rts_trace_inflate_take(&inflate, 1);
        if (result < 0) {
            assert_non_null(strstr(error.text, "damaged"));
            errors++;
        }
        assert_true(count < 10 * SIZE);
        all.bytes[i] ^= 0x41;
        rts_trace_inflate_finish(&inflate);
    }
    assert_true(errors > 0);
    free(all.bytes);
}

/* A window of a GiB would be memory that a few bytes ask for. */
static void a_huge_window_is_refused(void **state)
{
    (void)state;
    struct rts_trace_inflate inflate = {0};
    struct rts_error error;
    const uint8_t *bytes;
    struct compressed all = compress(SIZE, "--long=27 -3");
    /* The frame as zstd begins it, but with a window of 2^30 and no known size. */
    static const uint8_t large[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00};
    assert_int_equal(rts_trace_inflate_feed(&inflate, large, sizeof large, &error), 0);
    assert_int_equal(rts_trace_inflate_peek(&inflate, 1, &bytes, &error), -1);
    rts_trace_inflate_finish(&inflate);

    size_t at = 0;
    assert_int_equal(rts_trace_inflate_feed(&inflate, all.bytes, all.size, &error), 0);
    take_all(&inflate, 1, &at);
    assert_int_equal(at, SIZE);
    rts_trace_inflate_finish(&inflate);
    free(all.bytes);
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    struct rts_trace_inflate inflate = {0};
    const uint8_t *bytes = (const uint8_t *)"";
    struct compressed none = compress(0, "-1");
    assert_int_equal(rts_trace_inflate_feed(&inflate, "", 0, NULL), 0);
    assert_int_equal(rts_trace_inflate_peek(&inflate, 1, &bytes, NULL), 0);
    assert_null(bytes);
    assert_int_equal(rts_trace_inflate_feed(&inflate, none.bytes, none.size, NULL), 0);
    assert_int_equal(rts_trace_inflate_peek(&inflate, 1, &bytes, NULL), 0);
    assert_null(bytes);
    assert_true(rts_trace_inflate_is_whole(&inflate));
    rts_trace_inflate_finish(&inflate);
    rts_trace_inflate_finish(&inflate);
    free(none.bytes);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_records_of_any_size_it_is_the_same),
        cmocka_unit_test(a_missing_end_is_known),
        cmocka_unit_test(what_is_damaged_is_an_error),
        cmocka_unit_test(a_huge_window_is_refused),
        cmocka_unit_test(nothing_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
