/* SPDX-License-Identifier: Apache-2.0 */
#include "util/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

/* All 256 characters, against strtol(). */
static void digits_agree_with_the_library(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = {(char)c, '\0'}, *end;
        long value = strtol(text, &end, 16);
        assert_int_equal(rts_hex_digit((char)c), end == text ? -1 : value);
    }
}

/* All 256 bytes, against printf(). */
static void bytes_agree_with_the_library(void **state)
{
    (void)state;
    uint8_t bytes[256], read[256] = {0};
    char text[RTS_HEX_SIZE(256) + 1], expected[RTS_HEX_SIZE(256)];
    for (size_t i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)(i * 7);
        sprintf(expected + 2 * i, "%02x", bytes[i]);
    }
    text[sizeof text - 1] = '!';
    rts_hex_write(text, bytes, sizeof bytes);
    assert_string_equal(text, expected);
    assert_int_equal(text[sizeof text - 1], '!');
    assert_int_equal(strspn(text, RTS_HEX_DIGITS), 512);
    assert_true(rts_hex_read(read, text, sizeof read));
    assert_memory_equal(read, bytes, sizeof bytes);
}

static void reading_takes_either_case_and_no_more_than_asked(void **state)
{
    (void)state;
    uint8_t bytes[3] = {0, 0, 0x55};
    assert_true(rts_hex_read(bytes, "aBCdzz", 2));
    assert_int_equal(bytes[0], 0xab);
    assert_int_equal(bytes[1], 0xcd);
    assert_int_equal(bytes[2], 0x55);
    assert_true(rts_hex_read(bytes, "", 0));
}

static void what_is_not_hexadecimal(void **state)
{
    (void)state;
    uint8_t bytes[2];
    static const char *const texts[] = {"", "a", "ab", "abc", "abcg", "0x12", " 123", "-123"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(rts_hex_read(bytes, texts[i], sizeof bytes));
}

static void nothing_is_an_empty_text(void **state)
{
    (void)state;
    char text[] = "?";
    rts_hex_write(text, NULL, 0);
    assert_string_equal(text, "");
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_agree_with_the_library),
        cmocka_unit_test(bytes_agree_with_the_library),
        cmocka_unit_test(reading_takes_either_case_and_no_more_than_asked),
        cmocka_unit_test(what_is_not_hexadecimal),
        cmocka_unit_test(nothing_is_an_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
