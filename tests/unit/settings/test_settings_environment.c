/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "settings/settings.h"

#define VARIABLES_MAX 8

/* Loads these variables, given up to a NULL; NULL, or what is said. */
static const char *load(struct rts_settings *settings, const char *const *variables)
{
    static struct rts_error error;
    char *environment[VARIABLES_MAX + 1] = {NULL};
    error = (struct rts_error){0};
    for (size_t i = 0; variables[i]; i++) {
        assert_true(i < VARIABLES_MAX);
        environment[i] = strdup(variables[i]);
    }
    rts_settings_init(settings);
    int result = rts_settings_load_environment(settings, environment, &error);
    for (size_t i = 0; variables[i]; i++)
        free(environment[i]);
    if (result < 0)
        assert_int_equal(error.failure, RTS_USAGE);
    return result < 0 ? error.text : NULL;
}

#define LOAD(settings, ...) load(settings, (const char *const[]){__VA_ARGS__, NULL})

#define REFUSES(reason, ...)                                                                       \
    do {                                                                                           \
        struct rts_settings settings_;                                                             \
        const char *said = LOAD(&settings_, __VA_ARGS__);                                          \
        if (!said || !strstr(said, reason))                                                        \
            fail_msg("\"%s\" lacks \"%s\"", said ? said : "(taken)", reason);                      \
        rts_settings_finish(&settings_);                                                           \
    } while (0)

static void variables_are_settings(void **state)
{
    (void)state;
    struct rts_settings settings;
    assert_null(LOAD(&settings, "Sampler__MaxEventsPerSecond=7", "SAMPLER__RATIO=3",
                     "Ingest__Headers__X-Callgraph-Id=cg=1", "ingest__headers__X-A=b",
                     "Privacy__EmitProcess=True", "Egress__AllowedHosts__1=b",
                     "Egress__AllowedHosts__0=a", "Ingest__Component=web__1"));
    assert_int_equal(settings.sampler.max_events_per_second, 7);
    assert_int_equal(settings.sampler.ratio, 3);
    assert_string_equal(settings.ingest.callgraph_id, "cg=1");
    assert_int_equal(settings.ingest.headers.count, 1);
    assert_string_equal(settings.ingest.headers.items[0].name, "X-A");
    assert_true(settings.emit_process);
    assert_int_equal(settings.egress.allowed_hosts.count, 2);
    assert_string_equal(settings.egress.allowed_hosts.items[0], "a");
    assert_string_equal(settings.egress.allowed_hosts.items[1], "b");
    assert_string_equal(settings.ingest.component, "web__1");
    rts_settings_finish(&settings);
    assert_null(LOAD(&settings, "Egress__AllowedHosts=a,b"));
    assert_int_equal(settings.egress.allowed_hosts.count, 2);
    rts_settings_finish(&settings);
}

static void others_are_left_alone(void **state)
{
    (void)state;
    struct rts_settings settings;
    assert_null(LOAD(&settings, "PATH=/bin", "Sampler=1", "Sampler_Ratio=5", "__Sampler__Ratio=5",
                     "Logging__Level=x", "X=Sampler__Ratio", "Sampler=Sampler__x", "__=1"));
    assert_int_equal(settings.sampler.ratio, 1);
    rts_settings_finish(&settings);
    assert_null(LOAD(&settings, "Sampler:Ratio__x=1", "Sampler__Ratio",
                     "Ingest__Endpoint=", "Sampler__Nonsense="));
    assert_null(settings.ingest.endpoint);
    rts_settings_finish(&settings);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    REFUSES("environment: Sampler__MaxEventPerSecond: is not a setting; the nearest one is "
            "Sampler__MaxEventsPerSecond",
            "Sampler__MaxEventPerSecond=5");
    REFUSES("nearest one is Sampler__Ratio", "Sampler__Ratio__X=5");
    REFUSES("nearest one is", "Sampler__=5");
    REFUSES("environment: Sampler__Ratio: \"0\" is not", "Sampler__Ratio=0");
    REFUSES("environment: Privacy__EmitProcess: \"yes\" is not true or false",
            "Privacy__EmitProcess=yes");
    REFUSES("Ingest__Headers__NAME", "Ingest__Headers=X-A: b");
    REFUSES("the upload sets it", "Ingest__Headers__Host=b");
    REFUSES("is given twice", "Sampler__Ratio=1", "SAMPLER__Ratio=1");
    REFUSES("is given twice", "Ingest__Headers__A=1", "Ingest__Headers__a=1");
    REFUSES("is given twice", "Egress__AllowedHosts__0=a", "Egress__AllowedHosts=a");
    REFUSES("without a gap", "Egress__AllowedHosts__1=a");
    REFUSES("without a gap", "Egress__AllowedHosts__0=a", "Egress__AllowedHosts__2=a");
    REFUSES("without a gap", "Egress__AllowedHosts__0=a", "Egress__AllowedHosts__x=a");
    REFUSES("not the name", "Egress__AllowedHosts__0=https://a");
}

/* What lies below is replaced: lists as a whole, headers one by one. */
static void lies_over_what_was_there(void **state)
{
    (void)state;
    struct rts_settings settings;
    char first[] = "Egress__AllowedHosts=a,b", header[] = "Ingest__Headers__X-A=1",
         other[] = "Ingest__Headers__X-B=1", second[] = "Egress__AllowedHosts__0=c",
         replaced[] = "Ingest__Headers__x-a=2";
    char *below[] = {first, header, other, NULL}, *above[] = {second, replaced, NULL};
    rts_settings_init(&settings);
    assert_int_equal(rts_settings_load_environment(&settings, below, NULL), 0);
    assert_int_equal(rts_settings_load_environment(&settings, above, NULL), 0);
    assert_int_equal(settings.egress.allowed_hosts.count, 1);
    assert_string_equal(settings.egress.allowed_hosts.items[0], "c");
    assert_int_equal(settings.ingest.headers.count, 2);
    assert_string_equal(settings.ingest.headers.items[0].value, "2");
    rts_settings_finish(&settings);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_settings),
        cmocka_unit_test(others_are_left_alone),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(lies_over_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
