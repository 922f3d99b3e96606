/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay of a trace of our own may be asked for that its recording has decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "recording/recorded_settings.h"
#include "settings/settings_options.h"

/* A run with a ratio of 2, 300 events and windows of a second. */
static struct rts_recorded_settings noted(void)
{
    struct rts_recorded_settings recorded = {0};
    assert_false(recorded.known);
    rts_recorded_settings_take(&recorded, "ratio", 2);
    rts_recorded_settings_take(&recorded, "max_events_per_second", 300);
    rts_recorded_settings_take(&recorded, "max_cpu_percent", 35);
    rts_recorded_settings_take(&recorded, "flush_interval_ms", 1000);
    rts_recorded_settings_take(&recorded, "frequency", 4711);
    assert_true(recorded.known);
    return recorded;
}

/* The message of a replay with this setting; NULL: it goes on. */
static const char *answer(const struct rts_recorded_settings *recorded, const char *path,
                          const char *value)
{
    static struct rts_error error;
    struct rts_settings settings;
    rts_settings_init(&settings);
    error = (struct rts_error){0};
    if (path)
        assert_int_equal(rts_settings_apply(&settings, path, "test", value, &error), 0);
    int result = rts_recorded_settings_check(recorded, "0123", &settings, &error);
    rts_settings_finish(&settings);
    if (result == 0)
        return NULL;
    assert_int_equal(error.failure, RTS_USAGE);
    assert_non_null(strstr(error.text, path));
    return error.text;
}

static void what_is_left_out_is_as_recorded(void **state)
{
    (void)state;
    const struct rts_recorded_settings recorded = noted(), unknown = {0};
    assert_null(answer(&recorded, NULL, NULL));
    assert_null(answer(&unknown, NULL, NULL));
    /* Settings that decide nothing of this are free. */
    assert_null(answer(&recorded, "Sampler:Frequency", "7"));
    assert_null(answer(&unknown, "Privacy:EmitProcess", "true"));
}

static void what_holds_is_taken_and_the_rest_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value;
        bool holds;
    } cases[] = {
        {"Sampler:Ratio", "2", true},
        {"Sampler:Ratio", "1", false},
        {"Sampler:Ratio", "4", false},
        {"Ingest:FlushIntervalMs", "1000", true},
        {"Ingest:FlushIntervalMs", "2000", false}, /* the default, said */
        {"Ingest:FlushIntervalMs", "100", false},
        {"Sampler:MaxEventsPerSecond", "300", true},
        {"Sampler:MaxEventsPerSecond", "301", true},
        {"Sampler:MaxEventsPerSecond", "0", true},
        {"Sampler:MaxEventsPerSecond", "299", false},
    };
    const struct rts_recorded_settings recorded = noted();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = answer(&recorded, cases[i].path, cases[i].value);
        assert_int_equal(text == NULL, cases[i].holds);
        if (text)
            assert_non_null(strstr(text, cases[i].value));
    }
}

static void a_recording_without_a_limit_keeps_none(void **state)
{
    (void)state;
    struct rts_recorded_settings recorded = noted();
    rts_recorded_settings_take(&recorded, "max_events_per_second", 0);
    assert_null(answer(&recorded, "Sampler:MaxEventsPerSecond", "0"));
    assert_non_null(answer(&recorded, "Sampler:MaxEventsPerSecond", "100000"));
}

/* Earlier versions noted none of it, but the digest of all settings. */
static void of_an_old_trace_the_digest_tells(void **state)
{
    (void)state;
    const struct rts_recorded_settings unknown = {0};
    assert_non_null(answer(&unknown, "Sampler:Ratio", "2"));
    assert_non_null(answer(&unknown, "Ingest:FlushIntervalMs", "2000"));
    assert_null(answer(&unknown, "Sampler:MaxEventsPerSecond", "0"));
    struct rts_settings settings;
    struct rts_error error;
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_init(&settings);
    assert_int_equal(rts_settings_apply(&settings, "Sampler:Ratio", "test", "2", &error), 0);
    rts_settings_sha256(&settings, digest);
    assert_int_equal(rts_recorded_settings_check(&unknown, digest, &settings, &error), 0);
    assert_int_equal(rts_recorded_settings_check(&unknown, NULL, &settings, &error), -1);
    rts_settings_finish(&settings);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_is_as_recorded),
        cmocka_unit_test(what_holds_is_taken_and_the_rest_refused),
        cmocka_unit_test(a_recording_without_a_limit_keeps_none),
        cmocka_unit_test(of_an_old_trace_the_digest_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
