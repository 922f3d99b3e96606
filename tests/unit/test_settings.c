/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

#include "oracle.h"

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
        text, "{\"Ingest\":{\"FlushIntervalMs\":2000},\"Privacy\":{\"EmitProcess\":false},"
              "\"Sampler\":{\"CallGraph\":\"dwarf\",\"DurationMs\":0,\"Frequency\":99,"
              "\"Method\":\"auto\",\"StackBytes\":0},"
              "\"SymbolCapture\":{\"CollectBuildIds\":true,\"EmitLoaderBase\":true,"
              "\"IdScheme\":\"union-v0.1\"}}");
    free(text);
    rts_settings_finish(&settings);
}

/* jq -cS sorts keys and leaves out blanks on its own. */
static void is_what_jq_calls_sorted(void **state)
{
    (void)state;
    ORACLE_NEEDS("jq");
    struct rts_settings settings;
    rts_settings_init(&settings);
    settings.frequency = UINT32_MAX;
    settings.call_graph = RTS_CALL_GRAPH_FP;
    settings.method = RTS_METHOD_PTRACE;
    settings.stack_bytes = 65528;
    settings.duration_ms = 1500;
    settings.emit_process = true;
    settings.emit_loader_base = false;
    char *text = canonical(&settings);
    char *file = oracle_file(text, strlen(text));
    char *sorted = oracle_ask("jq -cS . %s", file);
    assert_string_equal(sorted, text);
    char *values = oracle_ask(
        "jq -c '[.Sampler.Frequency,.Sampler.CallGraph,.Sampler.Method,.Sampler.StackBytes,"
        ".Sampler.DurationMs,.Privacy.EmitProcess,.SymbolCapture.EmitLoaderBase]' %s",
        file);
    assert_string_equal(values, "[4294967295,\"fp\",\"ptrace\",65528,1500,true,false]");
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
    char *const command[] = {program, NULL};
    struct rts_settings settings;
    char before[RTS_SHA256_HEX_SIZE], after[RTS_SHA256_HEX_SIZE];
    rts_settings_init(&settings);
    rts_settings_sha256(&settings, before);
    settings.target = RTS_TARGET_COMMAND;
    settings.command = command;
    settings.output = "/srv/facts.ndjson";
    settings.stats_path = "/srv/stats.json";
    rts_settings_add_pid(&settings, 4711);
    rts_settings_sha256(&settings, after);
    assert_string_equal(before, after);
    settings.frequency = 100;
    rts_settings_sha256(&settings, after);
    assert_string_not_equal(before, after);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_frozen),
        cmocka_unit_test(is_what_jq_calls_sorted),
        cmocka_unit_test(what_belongs_to_one_run_is_left_out),
        cmocka_unit_test(digest_agrees_with_sha256sum),
        cmocka_unit_test(pids_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
