/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void pauses_double_and_stay_bounded(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned failures = 1; failures < 100; failures++) {
        uint64_t whole = failures > 8 ? 60000 : 500u << (failures - 1);
        whole = whole > 60000 ? 60000 : whole;
        for (int i = 0; i < 100; i++)
            assert_in_range(rts_backoff_ms(500, RTS_BACKOFF_LONGEST_MS, failures, &seed), whole / 2,
                            whole);
    }
    assert_in_range(rts_backoff_ms(500, RTS_BACKOFF_LONGEST_MS, 0, &seed), 250, 500);
    assert_in_range(rts_backoff_ms(90000, RTS_BACKOFF_LONGEST_MS, 5, &seed), 45000, 90000);
    assert_in_range(rts_backoff_ms(1, RTS_BACKOFF_LONGEST_MS, 1, &seed), 0, 1);
    assert_in_range(rts_backoff_ms(500, 2000, 50, &seed), 1000, 2000);
}

static void chance_spreads_and_a_seed_repeats(void **state)
{
    (void)state;
    uint64_t a = 7, b = 7, sum = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t pause = rts_backoff_ms(500, RTS_BACKOFF_LONGEST_MS, 20, &a);
        assert_int_equal(pause, rts_backoff_ms(500, RTS_BACKOFF_LONGEST_MS, 20, &b));
        sum += pause;
    }
    assert_in_range(sum / 1000, 43000, 47000); /* 45,000 is the middle */
}

static void seconds(void **state)
{
    (void)state;
    assert_int_equal(rts_retry_after_ms("120", NULL, 0), 120000);
    assert_int_equal(rts_retry_after_ms("0", NULL, 0), 0);
    assert_int_equal(rts_retry_after_ms(NULL, NULL, 0), 0);
    assert_int_equal(rts_retry_after_ms("", NULL, 0), 0);
    assert_int_equal(rts_retry_after_ms("-5", NULL, 0), 0);
    assert_int_equal(rts_retry_after_ms("5 minutes", NULL, 0), 0);
    assert_int_equal(rts_retry_after_ms("3601", NULL, 0), RTS_RETRY_AFTER_LONGEST_MS);
    assert_int_equal(rts_retry_after_ms("99999999999999999999999999", NULL, 0),
                     RTS_RETRY_AFTER_LONGEST_MS);
}

/* The three forms of RFC 9110's example, which are all the same moment. */
static void dates(void **state)
{
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        int64_t when = 0;
        assert_int_equal(rts_http_date_read(forms[i], &when), 0);
        assert_int_equal(when, 784111777);
        assert_int_equal(rts_retry_after_ms(forms[i], NULL, 784111777 - 90), 90000);
        assert_int_equal(rts_retry_after_ms(forms[i], NULL, 784111778), 0);
        /* The server's own clock counts, when it tells it. */
        assert_int_equal(rts_retry_after_ms(forms[i], "Sun, 06 Nov 1994 08:49:30 GMT", 0), 7000);
        assert_int_equal(rts_retry_after_ms(forms[i], "yesterday", 784111777 - 3), 3000);
    }
}

/* Every day of 130 years, as the C library counts them. */
static void dates_agree_with_the_library(void **state)
{
    (void)state;
    for (int64_t when = 43200; when < 130LL * 366 * 86400; when += 86400) {
        char text[64];
        struct tm broken;
        int64_t read = 0;
        time_t moment = (time_t)when;
        gmtime_r(&moment, &broken);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken);
        assert_int_equal(rts_http_date_read(text, &read), 0);
        assert_int_equal(read, when);
    }
}

static void what_is_no_date(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Sun, 06 Nov 1994 08:49:37",     "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT", "1994-11-06T08:49:37Z",
        "Sun, -6 Nov 1994 08:49:37 GMT", ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t when = 42;
        assert_int_equal(rts_http_date_read(texts[i], &when), -1);
        assert_int_equal(when, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_and_stay_bounded),
        cmocka_unit_test(chance_spreads_and_a_seed_repeats),
        cmocka_unit_test(seconds),
        cmocka_unit_test(dates),
        cmocka_unit_test(dates_agree_with_the_library),
        cmocka_unit_test(what_is_no_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
