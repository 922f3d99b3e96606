/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/log.h"
#include "util/visible.h"

#include "../oracle.h"
#include "../suite.h"

static void assert_visible(const char *text, size_t size, size_t columns, const char *expected)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_buffer_text(&out, "before ");
    rts_visible_append(&out, text, size, columns);
    assert_string_equal(out.data + 7, expected);
    assert_int_equal(out.size, strlen(out.data));
    rts_buffer_finish(&out);
}

static void assert_shown(const char *text, const char *expected)
{
    assert_visible(text, strlen(text), RTS_VISIBLE_WHOLE, expected);
}

static void shows_what_is_hidden(void **state)
{
    (void)state;
    assert_shown("", "");
    assert_shown("plain /text\\x", "plain /text\\x");
    assert_shown("na\xc3\xafve \xf0\x9f\x90\xa7", "na\xc3\xafve \xf0\x9f\x90\xa7");
    assert_shown("a\nb\rc\td\x7f", "a\\nb\\rc\\td\\x7f");
    assert_shown("\x1b]0;owned\x07", "\\x1b]0;owned\\x07");
    assert_shown("\x9b"
                 "2J",
                 "\\x9b2J"); /* CSI, where the terminal takes 8 bits */
    assert_shown("\xc2\x9b"
                 "2J",
                 "\\u009b2J"); /* and where it takes UTF-8 */
    assert_shown("\xe2\x80\xae"
                 "txt.exe",
                 "\\u202etxt.exe");
    assert_shown("a\xe2\x80\xa8"
                 "b\xef\xbb\xbf",
                 "a\\u2028b\\ufeff");
    assert_shown("\xf3\xa0\x81\x81", "\\U000e0041");
    assert_shown("\xe2\x80", "\\xe2\\x80");
    assert_shown("\xff\xfe\xc0\xaf", "\\xff\\xfe\\xc0\\xaf");
    assert_visible("a\0b", 3, RTS_VISIBLE_WHOLE, "a\\x00b");
}

static void is_bounded(void **state)
{
    (void)state;
    assert_visible("abcdef", 6, 6, "abcdef");
    assert_visible("abcdefg", 7, 6, "abc...");
    assert_visible("abc\x1b", 4, 6, "abc...");
    assert_visible("ab\x1b", 3, 6, "ab\\x1b");
    assert_visible("ab\x1b"
                   "c",
                   4, 6, "ab...");
    assert_visible("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 10, 4, "\xc3\xa9...");
    assert_visible("\x1b\x1b", 2, 3, "...");
    assert_visible("abcd", 4, 3, "...");
}

/* What python decodes has neither of what its own tables call control, format or separator, and is
 * as long as it may be. */
static void whatever_comes_in(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    struct rts_buffer text = RTS_BUFFER_INIT;
    unsigned dice = 1;
    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        for (size_t j = 0; j < sizeof bytes; j++) {
            dice = dice * 1664525 + 1013904223;
            bytes[j] = (char)(dice >> 24 < 64 ? 0x80 + (dice >> 16) % 64 : dice >> 16);
        }
        rts_visible_append(&text, bytes, sizeof bytes, 40);
        rts_buffer_text(&text, "\n");
    }
    char *file = oracle_file(text.data, text.size);
    char *answer = oracle_ask("python3 -c \"import unicodedata\n"
                              "lines=open('%s','rb').read().decode('utf-8').splitlines()\n"
                              "assert all(len(l)<=40 for l in lines)\n"
                              "assert not any(unicodedata.category(c) in ('Cc','Cf','Zl','Zp') "
                              "for l in lines for c in l)\n"
                              "print(len(lines))\"",
                              file);
    assert_string_equal(answer, "20000");
    free(answer);
    oracle_file_done(file);
    rts_buffer_finish(&text);
}

static void a_message_is_one_line(void **state)
{
    (void)state;
    char name[] = "/tmp/rtsample-visible-XXXXXX", said[4096] = "", large[6000];
    int fd = mkstemp(name), before = dup(STDERR_FILENO);
    assert_true(fd >= 0 && before >= 0);
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    rts_log("%s: not there", "a\nrtsample: all is well\x1b[8m\xe2\x80\xae");
    rts_log("%s", large);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    ssize_t size = pread(fd, said, sizeof said - 1, 0);
    unlink(name);
    close(fd);
    close(before);
    assert_true(size > 0);
    char *second = strchr(said, '\n') + 1;
    assert_int_equal(strlen(second), 10 + 2000 + 1);
    assert_string_equal(second + 10 + 1997, "...\n");
    *second = '\0';
    assert_string_equal(said, "rtsample: a\\nrtsample: all is well\\x1b[8m\\u202e: not there\n");
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_is_hidden),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(whatever_comes_in),
        cmocka_unit_test(a_message_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
