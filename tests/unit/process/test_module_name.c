/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "process/module_name.h"

static void assert_name(const char *path, const char *expected)
{
    char *name = rts_module_name(path);
    if (expected)
        assert_string_equal(name, expected);
    else
        assert_null(name);
    free(name);
}

static void names_without_their_paths(void **state)
{
    (void)state;
    assert_name("/usr/lib/x86_64-linux-gnu/libssl.so.3", "libssl.so.3");
    assert_name("/usr/bin/a b", "a b");
    assert_name("[vdso]", "[vdso]");
    assert_name("/memfd:secret (deleted)", "memfd:secret");
    assert_name("/memfd:a/b (deleted)", "b");
    assert_name("/usr/bin/x (deleted)", "x");
    assert_name("/usr/bin/x (deleted) (deleted)", "x (deleted)");
    assert_name("/usr/bin/ (deleted)", " (deleted)"); /* a name cannot be empty */
    assert_name("/usr/bin/", NULL);
    assert_name("", NULL);
}

static void names_are_bounded(void **state)
{
    (void)state;
    char path[600] = "/";
    memset(path + 1, 'a', 400);
    char *name = rts_module_name(path);
    assert_int_equal(strlen(name), RTS_MODULE_NAME_MAX);
    free(name);
    /* Two bytes each: the 128th character has no room. */
    for (size_t i = 0; i < 200; i++)
        memcpy(path + 1 + 2 * i, "\xc3\xa9", 3);
    name = rts_module_name(path);
    assert_int_equal(strlen(name), RTS_MODULE_NAME_MAX - 1);
    free(name);
    /* What is no UTF-8 at all. */
    memset(path + 1, 0x80, 400);
    assert_null(rts_module_name(path));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_without_their_paths),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
