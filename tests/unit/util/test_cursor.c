/* SPDX-License-Identifier: Apache-2.0 */
#include "util/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../suite.h"

static struct rts_cursor over(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return (struct rts_cursor){.at = at, .end = at + size};
}

static void numbers_of_each_size(void **state)
{
    (void)state;
    struct __attribute__((packed)) {
        uint8_t one;
        uint16_t two;
        uint32_t four;
        uint64_t eight;
    } bytes = {0xfe, 0xfedc, 0xfedcba98, 0xfedcba9876543210};
    struct rts_cursor cursor = over(&bytes, sizeof bytes);
    assert_int_equal(rts_cursor_fixed(&cursor, 1), bytes.one);
    assert_int_equal(rts_cursor_fixed(&cursor, 2), bytes.two);
    assert_int_equal(rts_cursor_fixed(&cursor, 4), bytes.four);
    assert_int_equal(rts_cursor_fixed(&cursor, 8), bytes.eight);
    assert_false(cursor.failed);
    assert_ptr_equal(cursor.at, cursor.end);
}

/* After a failure there is nothing left, and every number is zero. */
static void what_does_not_fit_fails_for_good(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3};
    struct rts_cursor cursor = over(bytes, sizeof bytes);
    assert_int_equal(rts_cursor_fixed(&cursor, 4), 0);
    assert_true(cursor.failed);
    assert_ptr_equal(cursor.at, cursor.end);
    assert_int_equal(rts_cursor_fixed(&cursor, 1), 0);
    assert_int_equal(rts_cursor_uleb(&cursor), 0);
    assert_null(rts_cursor_take(&cursor, 1));
}

static void bytes_are_taken_where_they_are(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3};
    struct rts_cursor cursor = over(bytes, sizeof bytes);
    assert_ptr_equal(rts_cursor_take(&cursor, 2), bytes);
    assert_ptr_equal(rts_cursor_take(&cursor, 0), bytes + 2);
    assert_false(cursor.failed);
    assert_null(rts_cursor_take(&cursor, UINT64_MAX));
    assert_true(cursor.failed);
}

/* The numbers of the DWARF standard's table of examples, and the largest one. */
static void leb128(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {2,    127,  0x80, 1,    0x81, 1,    0x82, 1,
                                    0xb9, 0x64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0x01, 0x80, 0x00};
    struct rts_cursor cursor = over(bytes, sizeof bytes), skipping = cursor;
    static const uint64_t values[] = {2, 127, 128, 129, 130, 12857, UINT64_MAX, 0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_true(rts_cursor_uleb(&cursor) == values[i]);
        rts_cursor_skip_leb(&skipping);
        assert_ptr_equal(cursor.at, skipping.at);
    }
    assert_false(cursor.failed);
    assert_false(skipping.failed);
    assert_ptr_equal(cursor.at, cursor.end);
}

static void leb128_that_is_none(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } wrong[] = {
        {{0}, 0},
        {{0x80}, 1},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 10}, /* 65 bits */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 11},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rts_cursor cursor = over(wrong[i].bytes, wrong[i].size);
        assert_int_equal(rts_cursor_uleb(&cursor), 0);
        assert_true(cursor.failed);
        assert_ptr_equal(cursor.at, cursor.end);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_each_size),
        cmocka_unit_test(what_does_not_fit_fails_for_good),
        cmocka_unit_test(bytes_are_taken_where_they_are),
        cmocka_unit_test(leb128),
        cmocka_unit_test(leb128_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
