/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/short_name.h"

#include "../oracle.h"
#include "../suite.h"

static void what_fits_stays(void **state)
{
    (void)state;
    char name[RTS_NAME_MAX + 1];
    memset(name, 'a', RTS_NAME_MAX);
    name[RTS_NAME_MAX] = '\0';
    char *kept = rts_short_name(name), *empty = rts_short_name("");
    assert_string_equal(kept, name);
    assert_string_equal(empty, "");
    assert_null(rts_short_name(NULL));
    free(kept);
    free(empty);
}

/* Every place in a character at which the limit may fall; Python is to make the same of it. */
static void what_is_longer_says_so(void **state)
{
    (void)state;
    if (!oracle_has("python3"))
        skip();
    for (int letters = 990; letters <= 1003; letters++) {
        char command[512];
        snprintf(
            command, sizeof command,
            "python3 -c \"import hashlib,sys\n"
            "name=('a'*%d+'\\U0001f40c'*300).encode()\n"
            "end=('\\u2026#sha256:'+hashlib.sha256(name).hexdigest()[:16]).encode()\n"
            "sys.stdout.buffer.write(name[:1024-len(end)].decode(errors='ignore').encode()+end)\"",
            letters);
        char *expected = oracle_ask("%s", command);
        char name[990 + 20 + 1200 + 1];
        memset(name, 'a', (size_t)letters);
        name[letters] = '\0';
        for (int i = 0; i < 300; i++)
            strcat(name, "\xf0\x9f\x90\x8c");
        char *found = rts_short_name(name);
        assert_string_equal(found, expected);
        free(found);
        free(expected);
    }
}

static void other_bytes_are_cut_anywhere(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 0x80, sizeof name);
    name[sizeof name - 1] = '\0';
    char *first = rts_short_name(name);
    assert_int_equal(strlen(first), RTS_NAME_MAX);
    name[sizeof name - 2] = 'x'; /* which only the digest tells */
    char *second = rts_short_name(name);
    assert_memory_equal(first, second, 900);
    assert_string_not_equal(first, second);
    free(first);
    free(second);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(what_is_longer_says_so),
        cmocka_unit_test(other_bytes_are_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
