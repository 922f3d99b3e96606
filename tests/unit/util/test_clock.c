/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "util/clock.h"

#include "../oracle.h"
#include "../suite.h"

static const int64_t moments_ms[] = {
    0,
    1,
    -1,
    999,
    1764158400123,
    951782399999,
    951782400000,
    951868800000,
    4107542400000,
    4102444799999,
    -2203891200001,
    -9214560000000,
    1709164800000,
    1735689599999,
    9214646399999,
};

static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    for (size_t i = 0; i < sizeof moments_ms / sizeof moments_ms[0]; i++) {
        char text[RTS_UTC_TEXT_SIZE];
        rts_format_utc_ms(text, moments_ms[i] * 1000000 + 999999);
        char *expected = oracle_ask("python3 -c \"from datetime import *;"
                                    "t=datetime(1970,1,1)+timedelta(milliseconds=%lld);"
                                    "print(t.isoformat(timespec='milliseconds')+'Z')\"",
                                    (long long)moments_ms[i]);
        assert_string_equal(text, expected);
        free(expected);
    }
}

static void is_cut_not_rounded(void **state)
{
    (void)state;
    char text[RTS_UTC_TEXT_SIZE];
    rts_format_utc_ms(text, 1764158400123999999);
    assert_string_equal(text, "2025-11-26T12:00:00.123Z");
    assert_int_equal(rts_wall_ms(1999999), 1);
    assert_int_equal(rts_wall_ms(-1), -1);
}

static void extremes_stay_in_bounds(void **state)
{
    (void)state;
    char text[RTS_UTC_TEXT_SIZE];
    rts_format_utc_ms(text, INT64_MAX);
    assert_string_equal(text, "2262-04-11T23:47:16.854Z");
    rts_format_utc_ms(text, INT64_MIN);
    assert_string_equal(text, "1677-09-21T00:12:43.145Z");
}

static void does_not_depend_on_the_time_zone(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "America/St_Johns", "right/Europe/Sofia"};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        char text[RTS_UTC_TEXT_SIZE];
        rts_format_utc_ms(text, 1764158400123000000);
        assert_string_equal(text, "2025-11-26T12:00:00.123Z");
    }
    unsetenv("TZ");
}

/* The offset turns a monotonic reading into the wall time of the same moment. */
static void offset_joins_the_clocks(void **state)
{
    (void)state;
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    int64_t wall = (int64_t)rts_clock_monotonic_ns() + rts_clock_wall_offset_ns();
    clock_gettime(CLOCK_REALTIME, &after);
    /* A second of grace on both sides, for a clock that is being set while we look. */
    assert_true(wall >= (before.tv_sec - 1) * 1000000000LL);
    assert_true(wall <= (after.tv_sec + 2) * 1000000000LL);
}

/* Each of some 150,000 days, and those around them that are none, as the C library counts. */
static void dates_agree_with_the_library(void **state)
{
    (void)state;
    for (int year = 1900; year <= 2300; year++)
        for (int month = 0; month <= 13; month++)
            for (int day = 0; day <= 32; day++) {
                struct tm broken = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
                timegm(&broken);
                bool kept = broken.tm_year == year - 1900 && broken.tm_mon == month - 1 &&
                            broken.tm_mday == day;
                assert_int_equal(rts_is_date((unsigned)year, (unsigned)month, (unsigned)day), kept);
            }
    assert_false(rts_is_date(0, 1, 1));
    assert_true(rts_is_date(1, 1, 1));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(is_cut_not_rounded),
        cmocka_unit_test(dates_agree_with_the_library),
        cmocka_unit_test(extremes_stay_in_bounds),
        cmocka_unit_test(does_not_depend_on_the_time_zone),
        cmocka_unit_test(offset_joins_the_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
