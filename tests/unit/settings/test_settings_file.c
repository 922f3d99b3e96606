/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings/settings.h"

#include "../oracle.h"
#include "../suite.h"

/* The example of the runbook for this integration, as it stands there. */
static const char runbook[] =
    "{\n\"Sampler\": {\n\"MaxEventsPerSecond\": 500,\n\"MaxCpuPercent\": 35\n},\n"
    "\"SymbolCapture\": {\n\"CollectBuildIds\": true,\n\"EmitLoaderBase\": true\n},\n"
    "\"Ingest\": {\n\"BatchSize\": 1000,\n\"FlushIntervalMs\": 2000,\n"
    "\"Endpoint\": \"https://signals.local/signals/runtime-facts/ndjson\",\n"
    "\"Headers\": {\n\"X-Callgraph-Id\": \"cg-123\"\n}\n}\n}\n";

/* Loads these bytes; NULL, or what is said, without the name of the file. */
static const char *load_bytes(struct rts_settings *settings, const char *bytes, size_t size)
{
    static struct rts_error error;
    error = (struct rts_error){0};
    rts_settings_init(settings);
    char *file = oracle_file(bytes, size);
    int result = rts_settings_load_file(settings, file, &error);
    const char *said = NULL;
    if (result < 0) {
        assert_int_equal(error.failure, RTS_USAGE);
        assert_non_null(strstr(error.text, file));
        said = strstr(error.text, file) + strlen(file);
    }
    oracle_file_done(file);
    return said;
}

static const char *load(struct rts_settings *settings, const char *text)
{
    return load_bytes(settings, text, strlen(text));
}

static void takes(struct rts_settings *settings, const char *text)
{
    const char *said = load(settings, text);
    if (said)
        fail_msg("%s: %s", text, said);
}

static void refuses(const char *text, const char *reason)
{
    struct rts_settings settings;
    const char *said = load(&settings, text);
    if (!said || !strstr(said, reason))
        fail_msg("%s: \"%s\" lacks \"%s\"", text, said ? said : "(taken)", reason);
    rts_settings_finish(&settings);
}

static void runbook_works_as_it_stands(void **state)
{
    (void)state;
    struct rts_settings settings;
    takes(&settings, runbook);
    assert_int_equal(settings.sampler.max_events_per_second, 500);
    assert_int_equal(settings.sampler.max_cpu_percent, 35);
    assert_true(settings.collect_build_ids && settings.emit_loader_base);
    assert_int_equal(settings.ingest.batch_size, 1000);
    assert_int_equal(settings.flush_interval_ms, 2000);
    assert_string_equal(settings.ingest.endpoint,
                        "https://signals.local/signals/runtime-facts/ndjson");
    assert_string_equal(settings.ingest.callgraph_id, "cg-123");
    assert_int_equal(settings.ingest.headers.count, 0);
    rts_settings_finish(&settings);
}

static void every_form_of_a_key(void **state)
{
    (void)state;
    struct rts_settings settings;
    takes(&settings, "\xef\xbb\xbf{\"sampler:RATIO\":4,\"Sampler\":{\"Frequency\":50},"
                     "\"Ingest:Headers:X-A\":\"1\",\"INGEST\":{\"headers\":{\"X-B\":\"2\"}},"
                     "\"Egress\":{\"AllowedHosts\":[\"a\",\"b\"],\"Enabled\":false},"
                     "\"Sampler:Method\":\"perf\",\"Spool\":{\"MaxBytes\":1099511627776}}");
    assert_int_equal(settings.sampler.ratio, 4);
    assert_int_equal(settings.frequency, 50);
    assert_int_equal(settings.ingest.headers.count, 2);
    assert_string_equal(settings.ingest.headers.items[1].value, "2");
    assert_int_equal(settings.egress.allowed_hosts.count, 2);
    assert_false(settings.egress.enabled);
    assert_int_equal(settings.method, RTS_METHOD_PERF);
    assert_true(settings.spool.max_bytes == 1ULL << 40);
    rts_settings_finish(&settings);
    takes(&settings, "{}");
    rts_settings_finish(&settings);
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    refuses("{\"Sampler\":{\"MaxEventPerSecond\":1}}",
            ": Sampler:MaxEventPerSecond: is not a setting; the nearest one is "
            "Sampler:MaxEventsPerSecond");
    refuses("{\"Samplr\":{\"Ratio\":1}}", ": Samplr: is not a setting; the nearest one is Sampler");
    refuses("{\"Ratio\":1}", "the nearest one is Sampler:Ratio");
    refuses("{\"Sampler\":{\"Ratio\":{\"X\":1}}}", "Sampler:Ratio: has to be a whole number");
    refuses("{\"Sampler:Ratio:X\":1}", "the nearest one is Sampler:Ratio");
    refuses("{\"Egress:AllowedHosts:0\":\"a\"}", "the nearest one is Egress:AllowedHosts");
    refuses("{\"\":1}", "is not a setting");
    refuses("{\"\\u001b[2J\":1}", ": \x1b[2J: is not a setting");
}

static void wrong_types_and_ranges(void **state)
{
    (void)state;
    refuses("{\"Sampler\":5}", ": Sampler: has to be an object of settings, but is a whole number");
    refuses("{\"Sampler\":{\"Ratio\":\"1\"}}",
            ": Sampler:Ratio: has to be a whole number, but is a string");
    refuses("{\"Sampler\":{\"Ratio\":1.0}}", "a number with a fraction");
    refuses("{\"Sampler\":{\"Ratio\":null}}", "but is null");
    refuses("{\"Sampler\":{\"Ratio\":0}}", "\"0\" is not a whole number from 1 to 1000000");
    refuses("{\"Sampler\":{\"Ratio\":-4}}", "\"-4\" is not");
    refuses("{\"Sampler\":{\"Ratio\":4294967297}}", "\"4294967297\" is not");
    refuses("{\"Sampler\":{\"Ratio\":99999999999999999999}}", "line 1, column ");
    refuses("{\"Sampler\":{\"Method\":\"ebpf\"}}", "is not one of: auto, perf, ptrace");
    refuses("{\"Sampler\":{\"Method\":true}}", "has to be a string, but is true or false");
    refuses("{\"Privacy\":{\"EmitProcess\":1}}", "has to be true or false");
    refuses("{\"Ingest\":{\"Endpoint\":\"\"}}", "is empty");
    refuses("{\"Ingest\":{\"CallgraphId\":\"a\\u0000b\"}}", "line 1");
    refuses("{\"Ingest\":{\"Headers\":[]}}", "an object of strings, but is an array");
    refuses("{\"Ingest\":{\"Headers\":{\"A\":1}}}", ": Ingest:Headers:A: has to be a string");
    refuses("{\"Ingest\":{\"Headers\":{\"A\":\"b\\r\\nC: d\"}}}", ": Ingest:Headers:A: ");
    refuses("{\"Egress\":{\"AllowedHosts\":\"*\"}}", "an array of strings");
    refuses("{\"Egress\":{\"AllowedHosts\":[]}}", "is empty");
    refuses("{\"Egress\":{\"AllowedHosts\":[1]}}", "an array of strings only");
    refuses("{\"Egress\":{\"AllowedHosts\":[\"*\"]}}", "not the name or address of a host");
}

static void twice_is_once_too_often(void **state)
{
    (void)state;
    refuses("{\"Sampler\":{\"Ratio\":1,\"Ratio\":2}}", "line 1, column 29: duplicate");
    refuses("{\"Sampler\":{\"Ratio\":1,\"ratio\":2}}", ": Sampler:ratio: is given twice");
    refuses("{\"Sampler\":{\"Ratio\":1},\"Sampler:Ratio\":1}", ": Sampler:Ratio: is given twice");
    refuses("{\"Egress\":{\"AllowedHosts\":[\"a\"],\"allowedhosts\":[\"b\"]}}", "is given twice");
    refuses("{\"Ingest\":{\"Headers\":{\"A\":\"b\",\"a\":\"c\"}}}",
            ": Ingest:Headers:a: is given twice");
}

static void what_is_no_settings_file(void **state)
{
    (void)state;
    struct rts_settings settings;
    refuses("", "is empty");
    refuses("[]", "has to be an object of sections, but is an array");
    refuses("5", "has to be an object of sections");
    refuses("{\n\"Sampler\": {\n\"Ratio\": 1,\n}\n}", "line 4, column 1: ");
    refuses("{} {}", "line 1");
    refuses("// a comment\n{}", "line 1");
    refuses("{\"Ingest\":{\"Source\":\"\xff\"}}", "line 1");
    assert_non_null(strstr(load_bytes(&settings, "\xff\xfe{\0}\0", 6), "UTF-16"));
    rts_settings_finish(&settings);
    assert_non_null(load_bytes(&settings, "{}\0", 3));
    rts_settings_finish(&settings);

    char *large = calloc(1, (1 << 20) + 1);
    memset(large, ' ', 1 << 20);
    memcpy(large, "{}", 2);
    assert_null(load_bytes(&settings, large, 1 << 20));
    rts_settings_finish(&settings);
    large[1 << 20] = ' ';
    assert_non_null(strstr(load_bytes(&settings, large, (1 << 20) + 1), "is larger than"));
    rts_settings_finish(&settings);
    memset(large, '[', 1 << 20);
    assert_non_null(load_bytes(&settings, large, 1 << 20));
    rts_settings_finish(&settings);
    free(large);
}

static void what_cannot_be_read(void **state)
{
    (void)state;
    struct rts_settings settings;
    struct rts_error error;
    rts_settings_init(&settings);
    assert_int_equal(rts_settings_load_file(&settings, "/", &error), -1);
    assert_non_null(strstr(error.text, "Is a directory"));
    assert_int_equal(rts_settings_load_file(&settings, "/nowhere/app.json", &error), -1);
    assert_non_null(strstr(error.text, "/nowhere/app.json: No such file"));
    assert_int_equal(error.failure, RTS_USAGE);
    rts_settings_finish(&settings);
}

/* The parser repeats what it stumbles over. */
static void messages_keep_secrets(void **state)
{
    (void)state;
    struct rts_settings settings;
    static const char *const texts[] = {
        "{\"Ingest\":{\"Headers\":{\"Authorization\":\"hush",
        "{\"Ingest\":{\"Headers\":{\"Authorization\":hush}}}",
        "{\"Ingest\":{\"Headers\":{\"Authorization\":\"hush\\x\"}}}",
        "{\"Ingest\":{\"Headers\":{\"Authorization\":\"a\" \"hush\"}}}",
        "{\"Ingest\":{\"Headers\":{\"Authorization\":\"hush\\n\"}}}",
        "{\"Ingest\":{\"Headers\":{\"Authorization\":[\"hush\"]}}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *said = load(&settings, texts[i]);
        assert_non_null(said);
        if (strstr(said, "hush"))
            fail_msg("%s", said);
        rts_settings_finish(&settings);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runbook_works_as_it_stands),    cmocka_unit_test(every_form_of_a_key),
        cmocka_unit_test(unknown_keys_name_the_nearest), cmocka_unit_test(wrong_types_and_ranges),
        cmocka_unit_test(twice_is_once_too_often),       cmocka_unit_test(what_is_no_settings_file),
        cmocka_unit_test(what_cannot_be_read),           cmocka_unit_test(messages_keep_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
