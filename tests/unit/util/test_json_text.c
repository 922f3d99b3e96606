/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../suite.h"

/* The first byte that has to be looked at, for each place and each of 256 bytes. */
static void special_bytes_are_found(void **state)
{
    (void)state;
    for (size_t place = 0; place < 8; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[8];
            memset(text, 'a', sizeof text);
            text[place] = (char)byte;
            if (place + 1 < sizeof text)
                text[place + 1] = '"';
            uint64_t found = rts_json_special_bytes(rts_json_word(text));
            bool special = byte < 0x20 || byte == '"' || byte == '\\';
            size_t first = special ? place : place + 1;
            if (first == sizeof text)
                assert_true(found == 0);
            else
                assert_int_equal(__builtin_ctzll(found) / 8, first);
        }
    }
}

static void letters_are_written_as_they_are_read(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 256; point++) {
        char text[] = {'\\', rts_json_escape_letter(point)};
        uint32_t read = 0;
        if (text[1] == '\0')
            continue;
        assert_int_equal(rts_json_escape_read(text, sizeof text, &read), 2);
        assert_int_equal(read, point);
    }
    assert_int_equal(rts_json_escape_letter('\n'), 'n');
    assert_int_equal(rts_json_escape_letter('a'), 0);
    assert_int_equal(rts_json_escape_letter(0x10000 + '\n'), 0);
}

static void escapes_by_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        uint32_t point;
    } cases[] = {
        {"\\u0000", 6, 0},
        {"\\u00e9x", 6, 0xe9},
        {"\\uFFFFx", 6, 0xffff},
        {"\\ud7ff", 6, 0xd7ff},
        {"\\ue000", 6, 0xe000},
        {"\\ud83d\\uDC27", 12, 0x1f427},
        {"\\ud800\\udc00", 12, 0x10000},
        {"\\udbff\\udfff", 12, 0x10ffff},
        {"\\", 0, 0},
        {"\\v", 0, 0},
        {"\\u12", 0, 0},
        {"\\u12g4", 0, 0},
        {"\\ud83d", 0, 0},
        {"\\ud83dxudc27", 0, 0},
        {"\\ud83d\\n", 0, 0},
        {"\\ud83d\\u0041", 0, 0},
        {"\\ud83d\\ud83d", 0, 0},
        {"\\udc27", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t point = 0;
        size_t size = strlen(cases[i].text);
        assert_int_equal(rts_json_escape_read(cases[i].text, size, &point), cases[i].size);
        if (cases[i].size)
            assert_int_equal(point, cases[i].point);
    }
    /* What lies beyond the end is not looked at. */
    uint32_t point;
    assert_int_equal(rts_json_escape_read("\\u00e9", 5, &point), 0);
    assert_int_equal(rts_json_escape_read("\\ud83d\\udc27", 11, &point), 0);
    assert_int_equal(rts_json_escape_read("\\n", 1, &point), 0);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_bytes_are_found),
        cmocka_unit_test(letters_are_written_as_they_are_read),
        cmocka_unit_test(escapes_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
