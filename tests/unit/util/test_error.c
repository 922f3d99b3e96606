/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/error.h"

static void texts(void **state)
{
    (void)state;
    struct rts_error error;
    assert_int_equal(rts_fail(&error, RTS_USAGE, "%s: wrong", "-F"), -1);
    assert_string_equal(error.text, "-F: wrong");
    assert_int_equal(error.failure, RTS_USAGE);
    assert_int_equal(rts_fail_errno(&error, EACCES, "cannot open %s", "x"), -1);
    assert_string_equal(error.text, "cannot open x: Permission denied");
    assert_int_equal(error.failure, RTS_NOT_PERMITTED);
    assert_int_equal(error.number, EACCES);
    assert_int_equal(rts_fail_errno(NULL, EACCES, "cannot open %s", "x"), -1);
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    static const char reason[] = ": No such file or directory";
    const size_t room = sizeof((struct rts_error *)0)->text - 1 - strlen(reason);
    char path[1000];
    for (size_t length = room - 2; length < sizeof path; length++) {
        struct rts_error error;
        memset(path, 'x', length);
        path[length] = '\0';
        rts_fail_errno(&error, ENOENT, "%s", path);
        size_t size = strlen(error.text);
        assert_string_equal(error.text + size - strlen(reason), reason);
        assert_int_equal(size, (length < room ? length : room) + strlen(reason));
        assert_int_equal(memcmp(error.text + room - 3, "...", 3) == 0, length > room);
        rts_fail(&error, RTS_FAILED, "%s", path);
        assert_int_equal(strlen(error.text),
                         length < sizeof error.text ? length : sizeof error.text - 1);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
