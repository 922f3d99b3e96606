/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/buffer.h"
#include "util/utf8.h"

#include "../oracle.h"
#include "../suite.h"

#define POINTS 0x110000u

static void decodes_what_is_there_only(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, taken;
        uint32_t point; /* 0: not valid */
    } rows[] = {
        {"a", 1, 1, 'a'},
        {"\x7f", 1, 1, 0x7f},
        {"\xc3\xa9", 2, 2, 0xe9},
        {"\xc3\xa9", 1, 1, 0},
        {"\xe2\x80\xae", 3, 3, 0x202e},
        {"\xe2\x80\xae", 2, 2, 0},
        {"\xf3\xa0\x81\x81", 4, 4, 0xe0041},
        {"\x9b", 1, 1, 0},
        {"\xc0\xaf", 2, 1, 0},         /* a slash, too long */
        {"\xed\xa0\x80", 3, 1, 0},     /* half a pair */
        {"\xf4\x90\x80\x80", 4, 1, 0}, /* beyond the last one */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rts_utf8 character = rts_utf8_decode(rows[i].bytes, rows[i].size);
        assert_int_equal(character.size, rows[i].taken);
        assert_int_equal(character.valid, rows[i].point != 0);
        if (character.valid)
            assert_int_equal(character.point, rows[i].point);
    }
}

/* Each code point against python's tables: those of the categories Cc, Cf, Zl and Zp do something,
 * those of letters, numbers, punctuation and symbols are seen, but for four letters of Hangul that
 * are drawn as nothing. */
static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    struct rts_buffer verdicts = RTS_BUFFER_INIT;
    for (uint32_t point = 0; point < POINTS; point++)
        rts_buffer_append(&verdicts, rts_is_unseen(point) ? "1" : "0", 1);
    char *file = oracle_file(verdicts.data, verdicts.size);
    char *answer =
        oracle_ask("python3 -c \"import unicodedata\n"
                   "said=open('%s').read()\n"
                   "assert len(said)==0x110000\n"
                   "fillers={0x115f,0x1160,0x3164,0xffa0}\n"
                   "wrong=[]\n"
                   "for p,v in enumerate(said):\n"
                   "  c=unicodedata.category(chr(p))\n"
                   "  if v=='0' and c in('Cc','Cf','Zl','Zp') or v=='1' and c[0] in 'LNPS' and "
                   "p not in fillers: wrong.append((hex(p),c,v))\n"
                   "print(wrong)\"",
                   file);
    assert_string_equal(answer, "[]");
    free(answer);
    oracle_file_done(file);
    rts_buffer_finish(&verdicts);
}

static void knows_what_is_drawn_as_nothing(void **state)
{
    (void)state;
    static const uint32_t unseen[] = {0x034f, 0x115f,  0x1160,  0x17b5,  0x180b,  0x2065,
                                      0x3164, 0xfe0f,  0xffa0,  0xfff0,  0xfdd0,  0xfffe,
                                      0xffff, 0x1fffe, 0xe0fff, 0xe01ef, 0x10ffff};
    static const uint32_t seen[] = {' ',    '~',    0xa0,   0xac,   0xae,    0x2027,
                                    0x202f, 0xfdcf, 0xfffd, 0xe000, 0x1f600, 0xe1000};
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        assert_true(rts_is_unseen(unseen[i]));
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        assert_false(rts_is_unseen(seen[i]));
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char bytes[4];
        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        size_t size = rts_utf8_encode(point, bytes);
        struct rts_utf8 character = rts_utf8_decode(bytes, size);
        assert_true(character.valid && character.size == size && character.point == point);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(decodes_what_is_there_only),
        cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(knows_what_is_drawn_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
