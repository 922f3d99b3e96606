/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"

#include "../oracle.h"
#include "../suite.h"

static void assert_json(const void *bytes, size_t size, const char *expected)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_json_string_bytes(&text, bytes, size);
    assert_string_equal(text.data, expected);
    rts_buffer_finish(&text);
}

static void escapes(void **state)
{
    (void)state;
    assert_json("", 0, "\"\"");
    assert_json("plain /text", 11, "\"plain /text\"");
    assert_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    assert_json("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    assert_json("\0\x1f\x7f\x1b[2J", 7, "\"\\u0000\\u001f\\u007f\\u001b[2J\"");
    assert_json("\xc2\x85\xe2\x80\xa8", 5, "\"\\u0085\\u2028\"");
    assert_json("\xe2\x80\xae\xef\xbb\xbf\xf3\xa0\x81\x81", 10, "\"\\u202e\\ufeff\\udb40\\udc41\"");
    assert_json("\xc3\xa9\xf0\x9f\x90\xa7", 6, "\"\xc3\xa9\xf0\x9f\x90\xa7\"");
}

static void bad_bytes_become_the_replacement(void **state)
{
    (void)state;
    assert_json("a\xff"
                "b",
                3,
                "\"a\xef\xbf\xbd"
                "b\"");
    assert_json("\xe2\x82", 2, "\"\xef\xbf\xbd\"");
    assert_json("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_json("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_json("\xc3\"", 2, "\"\xef\xbf\xbd\\\"\"");
}

/* Every pair of bytes and many longer strings, all in one file of JSON lines, against python: what
 * json.loads() reads must be what bytes.decode('utf-8', 'replace') makes of the input. */
static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    static const uint8_t edges[] = {0x00, 0x1f, 0x22, 0x5c, 0x7f, 0x80, 0x8b, 0x90, 0x9f,
                                    0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                    0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff, 0x41};
    const size_t count = sizeof edges;
    struct rts_buffer input = RTS_BUFFER_INIT, output = RTS_BUFFER_INIT;
    for (size_t i = 0; i < count * count * count; i++) {
        const uint8_t bytes[5] = {edges[i % count], edges[i / count % count],
                                  edges[i / count / count], edges[i * 7 % count],
                                  edges[i * 13 % count]};
        size_t size = 1 + i % sizeof bytes;
        rts_buffer_append(&input, bytes, size);
        rts_buffer_text(&input, "SEPARATOR");
        rts_json_string_bytes(&output, bytes, size);
        rts_buffer_text(&output, "\n");
    }
    char *in = oracle_file(input.data, input.size);
    char *out = oracle_file(output.data, output.size);
    char *answer = oracle_ask(
        "python3 -c \"import json\n"
        "given=open('%s','rb').read().split(b'SEPARATOR')[:-1]\n"
        "text=open('%s','rb').read().decode('utf-8')\n"
        "lines=text.splitlines()\n" /* splits at every separator Unicode knows */
        "assert len(lines)==len(given),len(lines)\n"
        "for g,l in zip(given,lines): assert json.loads(l)==g.decode('utf-8','replace'),(g,l)\n"
        "print(len(lines))\"",
        in, out);
    assert_int_equal(atoi(answer), count * count * count);
    free(answer);
    oracle_file_done(in);
    oracle_file_done(out);
    rts_buffer_finish(&input);
    rts_buffer_finish(&output);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(bad_bytes_become_the_replacement),
        cmocka_unit_test(agrees_with_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
