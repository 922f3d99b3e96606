/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "../suite.h"
#include "http/curl_library.h"

/* Which loads libcurl, as sending does. */
static int load(void **state)
{
    static struct rts_curl curl;
    struct rts_error error;
    *state = &curl;
    return rts_curl_open(&curl, &error);
}

static int unload(void **state)
{
    rts_curl_close(*state);
    return 0;
}

static uint64_t retry_after_ms(void **state, const char *text, const char *date, int64_t wall_s)
{
    const struct rts_curl *curl = *state;
    return rts_retry_after_ms(text, date, wall_s, curl->getdate);
}

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
    assert_int_equal(retry_after_ms(state, "120", NULL, 0), 120000);
    assert_int_equal(retry_after_ms(state, "0", NULL, 0), 0);
    assert_int_equal(retry_after_ms(state, NULL, NULL, 0), 0);
    assert_int_equal(retry_after_ms(state, "", NULL, 0), 0);
    assert_int_equal(retry_after_ms(state, "-5", NULL, 0), 0);
    assert_int_equal(retry_after_ms(state, "5 minutes", NULL, 0), 0);
    assert_int_equal(retry_after_ms(state, "3601", NULL, 0), RTS_RETRY_AFTER_LONGEST_MS);
    assert_int_equal(retry_after_ms(state, "99999999999999999999999999", NULL, 0),
                     RTS_RETRY_AFTER_LONGEST_MS);
}

/* The three forms of RFC 9110's example, which are all the same moment. */
static void dates(void **state)
{
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(retry_after_ms(state, forms[i], NULL, 784111777 - 90), 90000);
        assert_int_equal(retry_after_ms(state, forms[i], NULL, 784111777), 0);
        assert_int_equal(retry_after_ms(state, forms[i], NULL, 784111778), 0);
        /* The server's own clock counts, when it tells it. */
        assert_int_equal(retry_after_ms(state, forms[i], "Sun, 06 Nov 1994 08:49:30 GMT", 0), 7000);
        assert_int_equal(retry_after_ms(state, forms[i], "yesterday", 784111777 - 3), 3000);
    }
}

/* Every day of 130 years, as the C library counts them. */
static void dates_agree_with_the_library(void **state)
{
    for (int64_t when = 43200; when < 130LL * 366 * 86400; when += 86400) {
        char text[64];
        struct tm broken;
        time_t moment = (time_t)when;
        gmtime_r(&moment, &broken);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken);
        assert_int_equal(retry_after_ms(state, text, NULL, when - 100), 100000);
        assert_int_equal(retry_after_ms(state, "60", text, 0), 60000);
    }
}

static void what_is_no_date(void **state)
{
    static const char *const texts[] = {"Sun, 06 Nox 2094 08:49:37 GMT",
                                        "Sun, 32 Nov 2094 08:49:37 GMT",
                                        "Sun, 06 Nov 2094 24:49:37 GMT",
                                        "Sun, 06 Nov 2094 08:60:37 GMT",
                                        "Sun, 06 Nov 1969 08:49:37 GMT",
                                        "2094-11-06T08:49:37Z",
                                        "08:49:37",
                                        "tomorrow",
                                        "Sun, 06 Nov"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(retry_after_ms(state, texts[i], NULL, 784111777), 0);
        /* Nor is it one to count from. */
        assert_int_equal(
            retry_after_ms(state, "Sun, 06 Nov 1994 08:49:37 GMT", texts[i], 784111777 - 5), 5000);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_and_stay_bounded),
        cmocka_unit_test(chance_spreads_and_a_seed_repeats),
        cmocka_unit_test(seconds),
        cmocka_unit_test(dates),
        cmocka_unit_test(dates_agree_with_the_library),
        cmocka_unit_test(what_is_no_date),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
