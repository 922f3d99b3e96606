/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "report/number.h"

static void numbers_are_grouped(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } known[] = {{0, "0"},
                 {7, "7"},
                 {999, "999"},
                 {1000, "1,000"},
                 {123456, "123,456"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[RTS_NUMBER_TEXT_SIZE];
        rts_number_format(text, known[i].number);
        assert_string_equal(text, known[i].text);
    }
}

static void only_all_is_a_hundred_percent(void **state)
{
    (void)state;
    static const struct {
        uint64_t part, whole;
        const char *text;
    } known[] = {{0, 0, "0.0 %"},           {0, 5, "0.0 %"},
                 {1, 3, "33.3 %"},          {2, 3, "66.6 %"},
                 {99999, 100000, "99.9 %"}, {5, 5, "100.0 %"},
                 {6, 5, "100.0 %"},         {UINT64_MAX - 1, UINT64_MAX, "99.9 %"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[RTS_NUMBER_TEXT_SIZE];
        rts_percent_format(text, known[i].part, known[i].whole);
        assert_string_equal(text, known[i].text);
    }
}

static void durations_fit_their_size(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } known[] = {{0, "0.0 s"},
                 {7399, "7.3 s"},
                 {59999, "59.9 s"},
                 {60000, "1:00"},
                 {3599999, "59:59"},
                 {3600000, "1:00:00"},
                 {360061000, "100:01:01"},
                 {UINT64_MAX, "5124095576030:25:51"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[RTS_NUMBER_TEXT_SIZE];
        rts_duration_format(text, known[i].ms);
        assert_string_equal(text, known[i].text);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_grouped),
        cmocka_unit_test(only_all_is_a_hundred_percent),
        cmocka_unit_test(durations_fit_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
