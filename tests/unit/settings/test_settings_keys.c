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
#include "settings/settings_keys.h"

static const struct rts_setting *find(const char *path)
{
    const struct rts_setting *setting = rts_setting_find(path);
    assert_non_null(setting);
    return setting;
}

static void table_is_sorted_and_findable(void **state)
{
    (void)state;
    size_t count;
    const struct rts_setting *table = rts_setting_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(rts_setting_find(table[i].path), &table[i]);
        assert_true(strlen(table[i].path) < RTS_SETTING_PATH_SIZE);
        assert_non_null(strchr(table[i].path, ':'));
        if (i > 0)
            assert_true(strcmp(table[i - 1].path, table[i].path) < 0);
    }
    assert_ptr_equal(find("sampler:RATIO"), find("Sampler:Ratio"));
    assert_null(rts_setting_find("Sampler"));
    assert_null(rts_setting_find("Sampler:Rati"));
    assert_null(rts_setting_find(""));
}

static void sections_and_members_are_told_apart(void **state)
{
    (void)state;
    const char *member = NULL;
    assert_true(rts_setting_is_section("Sampler"));
    assert_true(rts_setting_is_section("SYMBOLCAPTURE"));
    assert_false(rts_setting_is_section("Sample"));
    assert_false(rts_setting_is_section(""));
    assert_false(rts_setting_is_section("Sampler:Ratio"));
    assert_ptr_equal(rts_setting_find_member("ingest:headers:X-A", &member),
                     find("Ingest:Headers"));
    assert_string_equal(member, "X-A");
    assert_null(rts_setting_find_member("Ingest:Headers", &member));
    assert_null(rts_setting_find_member("Ingest:Header:X-A", &member));
}

static void nearest_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Sampler:MaxEventPerSecond", "Sampler:MaxEventsPerSecond"},
        {"Sampler:MaxEvents", "Sampler:MaxEventsPerSecond"},
        {"Sampler:MaxCpu", "Sampler:MaxCpuPercent"},
        {"sampler:maxcpuprecent", "Sampler:MaxCpuPercent"},
        {"MaxCpuPercent", "Sampler:MaxCpuPercent"},
        {"Ingest:MaxCpuPercent", "Sampler:MaxCpuPercent"},
        {"Sampel:Ratio", "Sampler:Ratio"},
        {"Samplr", "Sampler"},
        {"Symbol_Capture:EmitLoaderBas", "SymbolCapture:EmitLoaderBase"},
        {"Ingest:Header", "Ingest:Headers"},
        {"Ingest:EndPiont", "Ingest:Endpoint"},
        {"Ingest:CaFile", "Ingest:CaCert"},
        {"Spool:Dir", "Spool:Directory"},
        {"Spool:MaxAge", "Spool:MaxAgeSeconds"},
        {"Egress:AllowedHost", "Egress:AllowedHosts"},
        {"Egress:Enable", "Egress:Enabled"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nearest[RTS_SETTING_PATH_SIZE];
        rts_setting_nearest(cases[i][0], nearest);
        assert_string_equal(nearest, cases[i][1]);
    }
}

/* Whatever comes from outside: some setting is named, and nothing is read beyond its end. */
static void nearest_takes_anything(void **state)
{
    (void)state;
    char nearest[RTS_SETTING_PATH_SIZE], large[5000];
    rts_setting_nearest("", nearest);
    assert_true(rts_setting_find(nearest) || rts_setting_is_section(nearest));
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    rts_setting_nearest(large, nearest);
    assert_true(rts_setting_find(nearest) || rts_setting_is_section(nearest));
    large[2500] = ':';
    rts_setting_nearest(large, nearest);
    assert_non_null(rts_setting_find(nearest));
}

/* What a text sets, or why not. */
static const char *set(struct rts_settings *settings, const char *path, const char *text)
{
    static struct rts_error error;
    error = (struct rts_error){0};
    if (rts_setting_set_text(settings, find(path), text, "here", &error) == 0)
        return NULL;
    assert_int_equal(error.failure, RTS_USAGE);
    assert_int_equal(strncmp(error.text, "here: ", 6), 0);
    return error.text;
}

static void numbers_have_a_form_and_a_range(void **state)
{
    (void)state;
    struct rts_settings settings;
    static const char *const wrong[] = {"",        "x",   "1x",  "-1",
                                        "+1",      " 1",  "0",   "0x10",
                                        "1000001", "1.0", "1e3", "99999999999999999999999"};
    rts_settings_init(&settings);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(set(&settings, "Sampler:Ratio", wrong[i]));
    assert_int_equal(settings.sampler.ratio, 1);
    assert_null(set(&settings, "Sampler:Ratio", "1000000"));
    assert_int_equal(settings.sampler.ratio, 1000000);
    assert_null(set(&settings, "Sampler:MaxCpuPercent", "0"));
    assert_int_equal(settings.sampler.max_cpu_percent, 0);
    assert_null(set(&settings, "Spool:MaxBytes", "1125899906842624"));
    assert_true(settings.spool.max_bytes == 1ULL << 50);
    assert_null(set(&settings, "Sampler:StackBytes", "0"));
    assert_non_null(set(&settings, "Sampler:StackBytes", "255"));
    assert_null(set(&settings, "Sampler:StackBytes", "257"));
    assert_int_equal(settings.stack_bytes, 264); /* the kernel wants a multiple of 8 */
    assert_null(set(&settings, "Sampler:StackBytes", "65528"));
    assert_non_null(set(&settings, "Sampler:StackBytes", "65529"));
    rts_settings_finish(&settings);
}

static void words_are_those_of_the_table(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    assert_null(set(&settings, "Ingest:Format", "structured"));
    assert_int_equal(settings.ingest.format, RTS_INGEST_STRUCTURED);
    assert_null(set(&settings, "Ingest:Format", "ndjson"));
    assert_int_equal(settings.ingest.format, RTS_INGEST_NDJSON);
    assert_null(set(&settings, "Sampler:CallGraph", "none"));
    assert_int_equal(settings.call_graph, RTS_CALL_GRAPH_NONE);
    assert_null(set(&settings, "Sampler:Method", "perf"));
    assert_int_equal(settings.method, RTS_METHOD_PERF);
    assert_non_null(strstr(set(&settings, "Ingest:Format", "xml"), "auto, ndjson, structured"));
    assert_non_null(set(&settings, "Ingest:Format", ""));
    assert_non_null(set(&settings, "Ingest:Format", "NDJSON"));
    assert_null(set(&settings, "Egress:Enabled", "FALSE"));
    assert_false(settings.egress.enabled);
    assert_non_null(set(&settings, "Egress:Enabled", "0"));
    rts_settings_finish(&settings);
}

static void texts_can_stand_in_a_request(void **state)
{
    (void)state;
    struct rts_settings settings;
    char large[5000];
    memset(large, 'a', sizeof large);
    large[sizeof large - 1] = '\0';
    rts_settings_init(&settings);
    assert_non_null(set(&settings, "Ingest:CallgraphId", ""));
    assert_non_null(set(&settings, "Ingest:CallgraphId", "a\r\nX-Admin: 1"));
    assert_non_null(set(&settings, "Ingest:CallgraphId", "a\x7f"));
    assert_non_null(set(&settings, "Ingest:CallgraphId", "\xff"));
    assert_non_null(set(&settings, "Ingest:CallgraphId", large));
    assert_null(settings.ingest.callgraph_id);
    assert_null(set(&settings, "Ingest:CallgraphId", "cg-123"));
    assert_null(set(&settings, "Ingest:CallgraphId", "cg-124"));
    assert_string_equal(settings.ingest.callgraph_id, "cg-124");
    assert_null(set(&settings, "Output:File", "\xff\n")); /* a file may be called so */
    rts_settings_finish(&settings);
}

static void headers_cannot_break_out(void **state)
{
    (void)state;
    struct rts_settings settings;
    static const char *const wrong[] = {
        "X-A",
        "X-A:",
        ": a",
        "X A: a",
        "X-A\r\nB: a",
        "X-A: a\nB",
        "Host: a",
        "content-TYPE: a",
        "X-A: \x01",
        "Idempotency-Key: a",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
    };
    rts_settings_init(&settings);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!set(&settings, "Ingest:Headers", wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_null(strstr(set(&settings, "Ingest:Headers", "Authorization: hush\x01"), "hush"));
    assert_int_equal(settings.ingest.headers.count, 0);
    assert_null(set(&settings, "Ingest:Headers", "X-A:  b: c \t"));
    assert_null(set(&settings, "Ingest:Headers", "X-B: 1"));
    assert_null(set(&settings, "Ingest:Headers", "x-a: d"));
    assert_int_equal(settings.ingest.headers.count, 2);
    assert_string_equal(settings.ingest.headers.items[0].value, "d");
    assert_string_equal(settings.ingest.headers.items[1].value, "1");
    for (int i = 0; i < 62; i++) {
        char text[32];
        snprintf(text, sizeof text, "X-%d: v", i);
        assert_null(set(&settings, "Ingest:Headers", text));
    }
    assert_non_null(set(&settings, "Ingest:Headers", "X-Surplus: v"));
    assert_null(set(&settings, "Ingest:Headers", "X-61: other"));
    rts_settings_finish(&settings);
}

static void hosts_are_no_urls(void **state)
{
    (void)state;
    struct rts_settings settings;
    static const char *const wrong[] = {"", "*", "https://a", "a,", ",a", "a b", "a,,b", "a/b"};
    rts_settings_init(&settings);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rts_settings_begin_layer(&settings);
        assert_non_null(set(&settings, "Egress:AllowedHosts", wrong[i]));
    }
    rts_settings_begin_layer(&settings);
    assert_null(set(&settings, "Egress:AllowedHosts", "a.example:8443,[::1]"));
    assert_int_equal(settings.egress.allowed_hosts.count, 2);
    assert_string_equal(settings.egress.allowed_hosts.items[1], "[::1]");
    rts_settings_begin_layer(&settings);
    assert_null(set(&settings, "Egress:AllowedHosts", "b.example"));
    assert_int_equal(settings.egress.allowed_hosts.count, 1);
    rts_settings_finish(&settings);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sorted_and_findable),
        cmocka_unit_test(sections_and_members_are_told_apart),
        cmocka_unit_test(nearest_is_what_was_meant),
        cmocka_unit_test(nearest_takes_anything),
        cmocka_unit_test(numbers_have_a_form_and_a_range),
        cmocka_unit_test(words_are_those_of_the_table),
        cmocka_unit_test(texts_can_stand_in_a_request),
        cmocka_unit_test(headers_cannot_break_out),
        cmocka_unit_test(hosts_are_no_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
