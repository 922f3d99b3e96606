/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/base64url.h"

#include "../oracle.h"
#include "../suite.h"

static void known_texts(void **state)
{
    (void)state;
    /* RFC 4648, section 10, without the padding; and the two letters that differ from base64. */
    static const struct {
        const char *bytes, *text;
    } known[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct rts_buffer text = RTS_BUFFER_INIT;
        rts_buffer_text(&text, "");
        rts_base64url_append(&text, known[i].bytes, strlen(known[i].bytes));
        assert_string_equal(text.data, known[i].text);
        rts_buffer_finish(&text);
    }
}

static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    uint8_t bytes[769];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + (i >> 8));
    char *file = oracle_file(bytes, sizeof bytes);
    for (size_t size = sizeof bytes - 3; size <= sizeof bytes; size++) {
        struct rts_buffer text = RTS_BUFFER_INIT;
        rts_base64url_append(&text, bytes, size);
        char *expected = oracle_ask(
            "python3 -c \"import base64,sys;"
            "print(base64.urlsafe_b64encode(open('%s','rb').read()[:%zu]).decode().rstrip('='))\"",
            file, size);
        assert_string_equal(text.data, expected);
        free(expected);
        rts_buffer_finish(&text);
    }
    oracle_file_done(file);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(agrees_with_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
