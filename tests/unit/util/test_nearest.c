/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/nearest.h"

static void distances(void **state)
{
    (void)state;
    assert_int_equal(rts_word_distance("", ""), 0);
    assert_int_equal(rts_word_distance("kitten", "sitting"), 3);
    assert_int_equal(rts_word_distance("CA", "abc"), 3); /* no letter moves twice */
    assert_int_equal(rts_word_distance("replya", "replay"), 1);
    assert_int_equal(rts_word_distance("", "abc"), 3);
    char longer[300];
    for (size_t i = 0; i < sizeof longer - 1; i++)
        longer[i] = 'a';
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(rts_word_distance(longer, longer), 0);
    assert_int_equal(rts_word_distance(longer, ""), RTS_NEAREST_COMPARED_MAX);
}

static void resemblance(void **state)
{
    (void)state;
    assert_true(rts_word_resembles("replya", "replay"));
    assert_true(rts_word_resembles("doc", "doctor"));
    assert_true(rts_word_resembles("DOCTOR", "doctor"));
    assert_false(rts_word_resembles("do", "doctor"));
    assert_false(rts_word_resembles("sleep", "replay"));
    assert_false(rts_word_resembles("", "send"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(resemblance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
