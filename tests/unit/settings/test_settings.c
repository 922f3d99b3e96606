/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings/settings_options.h"

#include "../oracle.h"
#include "../suite.h"

static char *canonical(const struct rts_settings *settings)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_settings_canonical(settings, &out);
    return out.data;
}

static void defaults_are_frozen(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    char *text = canonical(&settings);
    assert_string_equal(
        text,
        "{\"Egress\":{\"Enabled\":true},"
        "\"Ingest\":{\"BatchSize\":1000,\"ConnectTimeoutMs\":10000,\"FlushIntervalMs\":2000,"
        "\"Format\":\"auto\",\"RetryMaxMs\":60000,\"RetryMs\":500,\"TimeoutMs\":60000},"
        "\"Privacy\":{\"EmitProcess\":false,\"EmitSocket\":false,\"HashContainerIds\":false},"
        "\"Record\":{\"Full\":false,\"LimitBytes\":0,\"SegmentBytes\":1048576,"
        "\"SegmentSeconds\":60},"
        "\"Sampler\":{\"CallGraph\":\"dwarf\",\"CheckEvery\":100,\"DurationMs\":0,\"Frequency\":99,"
        "\"MaxCpuPercent\":35,\"MaxEventsPerSecond\":500,\"MaxMemoryBytes\":67108864,"
        "\"MaxStopMicroseconds\":1000,\"Method\":\"auto\",\"NearReader\":\"auto\",\"Ratio\":1,"
        "\"SelfTest\":true,"
        "\"StackBytes\":0,\"Unwinder\":\"rules\"},"
        "\"Spool\":{\"MaxAgeSeconds\":604800,\"MaxBytes\":268435456},"
        "\"SymbolCapture\":{\"CollectBuildIds\":true,\"EmitLoaderBase\":true,"
        "\"IdScheme\":\"union-v0.1\",\"ResolvePackages\":true}}");
    free(text);
    rts_settings_finish(&settings);
}

static void apply(struct rts_settings *settings, const char *path, const char *value)
{
    struct rts_error error;
    if (rts_settings_apply(settings, path, path, value, &error) < 0)
        fail_msg("%s", error.text);
}

/* jq -cS sorts keys and leaves out blanks on its own. */
static void is_what_jq_calls_sorted(void **state)
{
    (void)state;
    ORACLE_NEEDS("jq");
    struct rts_settings settings;
    rts_settings_init(&settings);
    settings.frequency = UINT32_MAX;
    settings.stack_bytes = 65528;
    settings.duration_ms = UINT64_MAX >> 1;
    apply(&settings, "Sampler:CallGraph", "fp");
    apply(&settings, "Sampler:Method", "perf");
    apply(&settings, "Ingest:Source", "\xc3\xa4\"\\/");
    apply(&settings, "Ingest:Headers", "X-Tenant: t");
    apply(&settings, "Ingest:Headers", "Accept: */*");
    apply(&settings, "Egress:AllowedHosts", "b.example,a.example:8443");
    settings.emit_process = true;
    settings.emit_loader_base = false;
    char *text = canonical(&settings);
    char *file = oracle_file(text, strlen(text));
    char *sorted = oracle_ask("python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin), "
                              "sort_keys=True, separators=(\",\", \":\"), ensure_ascii=False))' "
                              "<%s",
                              file);
    assert_string_equal(sorted, text);
    char *values = oracle_ask(
        "jq -c '[.Sampler.Frequency,.Sampler.CallGraph,.Sampler.Method,.Sampler.StackBytes,"
        ".Privacy.EmitProcess,.SymbolCapture.EmitLoaderBase,.Ingest.Source,.Ingest.Headers,"
        ".Egress.AllowedHosts]' %s",
        file);
    assert_string_equal(values,
                        "[4294967295,\"fp\",\"perf\",65528,true,false,\"\xc3\xa4\\\"\\\\/\","
                        "{\"Accept\":\"*/*\",\"X-Tenant\":\"t\"},"
                        "[\"b.example\",\"a.example:8443\"]]");
    free(values);
    free(sorted);
    free(text);
    oracle_file_done(file);
    rts_settings_finish(&settings);
}

/* A configuration must have the same digest on every machine and for every target. */
static void what_belongs_to_one_run_is_left_out(void **state)
{
    (void)state;
    static char program[] = "/usr/bin/redis-server";
    static const char *const local[] = {
        "Ingest:CaCert", "Ingest:Cert",        "Ingest:Key",       "Ingest:TokenFile",
        "Output:File",   "Output:MetricsFile", "Output:StatsFile", "Spool:Directory",
    };
    char *const command[] = {program, NULL};
    struct rts_settings settings;
    char before[RTS_SHA256_HEX_SIZE], after[RTS_SHA256_HEX_SIZE];
    rts_settings_init(&settings);
    rts_settings_sha256(&settings, before);
    settings.target = RTS_TARGET_COMMAND;
    settings.command = command;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        apply(&settings, local[i], "/srv/of/this/machine");
    rts_settings_add_pid(&settings, 4711);
    rts_settings_sha256(&settings, after);
    assert_string_equal(before, after);
    settings.frequency = 100;
    rts_settings_sha256(&settings, after);
    assert_string_not_equal(before, after);
    rts_settings_finish(&settings);
}

/* The values of headers that are not known to be harmless, and what a gateway wants in the query.
 */
static void secrets_are_digests(void **state)
{
    (void)state;
    ORACLE_NEEDS("sha256sum");
    struct rts_settings settings;
    rts_settings_init(&settings);
    apply(&settings, "Ingest:Headers", "Authorization: Bearer hush");
    apply(&settings, "Ingest:Headers", "X-Some-Gateway: hush");
    apply(&settings, "Ingest:Headers", "X-Scopes: signals:write");
    apply(&settings, "Ingest:Endpoint", "https://signals.example/x?key=hush");
    char *text = canonical(&settings);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "\"X-Scopes\":\"signals:write\""));
    const char *const secrets[] = {"Bearer hush", "hush", "key=hush"};
    const char *const before[] = {"\"Authorization\":\"", "\"X-Some-Gateway\":\"",
                                  "https://signals.example/x?"};
    for (size_t i = 0; i < 3; i++) {
        char *digest = oracle_ask("printf '%%s' '%s' | sha256sum | cut -c 1-64", secrets[i]);
        char wanted[256];
        snprintf(wanted, sizeof wanted, "%ssha256:%s\"", before[i], digest);
        assert_non_null(strstr(text, wanted));
        free(digest);
    }
    free(text);
    rts_settings_finish(&settings);
}

/* What is printed can be used as a settings file, and is the same configuration. */
static void canonical_form_can_be_read_back(void **state)
{
    (void)state;
    struct rts_settings settings, again;
    struct rts_error error;
    char hex[RTS_SHA256_HEX_SIZE], hex_again[RTS_SHA256_HEX_SIZE];
    rts_settings_init(&settings);
    apply(&settings, "Sampler:Ratio", "7");
    apply(&settings, "Ingest:CallgraphId", "cg-1");
    apply(&settings, "Ingest:Headers", "X-Scopes: signals:write");
    apply(&settings, "Egress:AllowedHosts", "signals.example");
    apply(&settings, "Egress:Enabled", "False");
    char *text = canonical(&settings);
    char *file = oracle_file(text, strlen(text));
    rts_settings_init(&again);
    assert_int_equal(rts_settings_load_file(&again, file, &error), 0);
    rts_settings_sha256(&settings, hex);
    rts_settings_sha256(&again, hex_again);
    assert_string_equal(hex, hex_again);
    oracle_file_done(file);
    free(text);
    rts_settings_finish(&again);
    rts_settings_finish(&settings);
}

static void digest_agrees_with_sha256sum(void **state)
{
    (void)state;
    ORACLE_NEEDS("sha256sum");
    struct rts_settings settings;
    char hex[RTS_SHA256_HEX_SIZE];
    rts_settings_init(&settings);
    rts_settings_sha256(&settings, hex);
    char *text = canonical(&settings);
    char *file = oracle_file(text, strlen(text));
    char *expected = oracle_ask("sha256sum <%s | cut -c 1-64", file);
    assert_string_equal(hex, expected);
    free(expected);
    free(text);
    oracle_file_done(file);
    rts_settings_finish(&settings);
}

static void pids_are_kept_once(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    for (int i = 0; i < 3; i++) {
        rts_settings_add_pid(&settings, 10);
        rts_settings_add_pid(&settings, 20);
    }
    assert_int_equal(settings.pid_count, 2);
    assert_int_equal(settings.pids[0], 10);
    assert_int_equal(settings.pids[1], 20);
    rts_settings_finish(&settings);
    assert_null(settings.pids);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_frozen),
        cmocka_unit_test(is_what_jq_calls_sorted),
        cmocka_unit_test(what_belongs_to_one_run_is_left_out),
        cmocka_unit_test(secrets_are_digests),
        cmocka_unit_test(canonical_form_can_be_read_back),
        cmocka_unit_test(digest_agrees_with_sha256sum),
        cmocka_unit_test(pids_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
