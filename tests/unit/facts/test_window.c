/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts/window.h"

#include "../oracle.h"
#include "../suite.h"

/* 2025-11-26T12:00:00Z, as the offset of a monotonic clock that started then. */
#define NOON 1764158400000000000LL

#define MS 1000000ULL

static const struct rts_fact_process first_process = {1, 214, "uwsgi", NULL, NULL, NULL, false};
static const struct rts_fact_process second_process = {2, 215, "uwsgi", NULL, NULL, NULL, false};

static const struct rts_fact_symbol whole_symbol = {
    .symbol_id = "sym:binary:AAA",
    .code_id = "buildid-0123",
    .build_id = "gnu-build-id:0123",
    .name = "_Z1fv",
    .demangled = "f()",
    .aliases = "_Z1gv,_Z1hv",
    .source = "symtab",
    .id_scheme = "union-v0.1",
};
static const struct rts_fact_symbol bare_symbol = {.symbol_id = "sym:binary:BBB"};

static const struct rts_fact_options usual = {
    .emit_loader_base = true,
    .emit_build_id = true,
    .wall_offset_ns = NOON,
};

static void assert_written(struct rts_window *window, const struct rts_fact_options *options,
                           const char *expected)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_buffer_text(&out, "");
    rts_window_write(window, options, &out);
    assert_string_equal(out.data, expected);
    assert_int_equal(rts_window_lines(window), 0);
    assert_int_equal(rts_window_hits(window), 0);
    rts_buffer_finish(&out);
}

static void writes_a_whole_line(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    rts_window_add(window, &first_process, &whole_symbol, 0x7f23c01000, 3, 123 * MS + 999999, true);
    assert_written(
        window, &usual,
        "{\"symbolId\":\"sym:binary:AAA\",\"codeId\":\"buildid-0123\","
        "\"buildId\":\"gnu-build-id:0123\",\"loaderBase\":\"0x7f23c01000\","
        "\"hitCount\":3,\"observedAt\":\"2025-11-26T12:00:00.123Z\",\"metadata\":{"
        "\"aliases\":\"_Z1gv,_Z1hv\",\"demangled\":\"f()\",\"evidence\":\"sampled-leaf\","
        "\"idScheme\":\"union-v0.1\",\"leafHits\":\"3\",\"symbol\":\"_Z1fv\","
        "\"symbolSource\":\"symtab\"}}\n");
    rts_window_destroy(window);
}

/* One function in files of several names: its earliest hit decides, whatever the order is. */
static void has_the_module_of_the_earliest_hit(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    const struct hit {
        const char *module;
        uint64_t time;
    } hits[] = {{NULL, 1}, {"libb.so", 5}, {"libc.so", 7}, {"liba.so", 5}, {"libz.so", 6}};
    const size_t count = sizeof hits / sizeof *hits;
    for (size_t first = 0; first < count; first++) {
        for (size_t i = 0; i < count; i++) {
            const struct hit *hit = &hits[(first + i) % count];
            char module[16] = "";
            struct rts_fact_symbol symbol = {.symbol_id = "s"};
            if (hit->module)
                symbol.module = strcpy(module, hit->module); /* which it has to copy */
            rts_window_add(window, &first_process, &symbol, 0, 1, hit->time * MS, false);
        }
        assert_written(window, &usual,
                       "{\"symbolId\":\"s\",\"hitCount\":5,"
                       "\"observedAt\":\"2025-11-26T12:00:00.001Z\",\"metadata\":{"
                       "\"evidence\":\"sampled-caller\",\"module\":\"liba.so\"}}\n");
    }
    rts_window_destroy(window);
}

static void says_what_is_known_of_packages(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    const struct rts_fact_symbol packaged = {
        .symbol_id = "s",
        .code_id = "c",
        .build_id = "b",
        .name = "f",
        .purl = "pkg:deb/debian/zlib1g@1:1.2?arch=amd64",
        .package_modified = true,
    };
    const struct rts_fact_symbol replaced = {.symbol_id = "t",
                                             .stale_mapping = "pkg:deb/debian/z@2"};
    rts_window_add(window, &first_process, &packaged, 0, 1, 0, false);
    rts_window_add(window, &first_process, &replaced, 0, 1, 0, false);
    assert_int_equal(rts_window_lines_with_purl(window), 1);
    assert_written(window, &usual,
                   "{\"symbolId\":\"s\",\"codeId\":\"c\","
                   "\"purl\":\"pkg:deb/debian/zlib1g@1:1.2?arch=amd64\",\"buildId\":\"b\","
                   "\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\",\"packageModified\":\"true\","
                   "\"symbol\":\"f\"}}\n"
                   "{\"symbolId\":\"t\",\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\","
                   "\"staleMapping\":\"pkg:deb/debian/z@2\"}}\n");
    rts_window_destroy(window);
}

static void leaves_out_what_is_unknown(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    rts_window_add(window, &first_process, &bare_symbol, 0, 1, 0, false);
    assert_written(window, &usual,
                   "{\"symbolId\":\"sym:binary:BBB\",\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\"}}\n");
    rts_window_destroy(window);
}

static void process_leaves_only_when_asked_for(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    struct rts_fact_options options = usual;
    options.emit_process = true;
    rts_window_add(window, &first_process, &bare_symbol, 0x400000, 1, 0, false);
    assert_written(window, &options,
                   "{\"symbolId\":\"sym:binary:BBB\",\"loaderBase\":\"0x400000\",\"processId\":214,"
                   "\"processName\":\"uwsgi\",\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\"}}\n");

    const struct rts_fact_process nameless = {3, 7, NULL, NULL, NULL, NULL, false};
    rts_window_add(window, &nameless, &bare_symbol, 0, 1, 0, false);
    assert_written(window, &options,
                   "{\"symbolId\":\"sym:binary:BBB\",\"processId\":7,\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\"}}\n");
    rts_window_destroy(window);
}

static void switches_hide_build_id_and_base(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    const struct rts_fact_options options = {.wall_offset_ns = NOON};
    const struct rts_fact_symbol hashed = {
        .symbol_id = "s",
        .code_id = "sha256-ff",
        .build_id = "sha256:ff",
        .build_id_is_file_hash = true,
    };
    rts_window_add(window, &first_process, &hashed, 0x400000, 1, 0, false);
    assert_written(window, &options,
                   "{\"symbolId\":\"s\",\"codeId\":\"sha256-ff\",\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"buildIdFallback\":\"file_hash\","
                   "\"evidence\":\"sampled-caller\"}}\n");
    rts_window_destroy(window);
}

/* One line per process instance and symbol; its time and base are those of the earliest hit. */
static void sums_hits_of_a_line(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    struct rts_fact_symbol copy = bare_symbol;
    copy.symbol_id = strdup(bare_symbol.symbol_id); /* equal by text, not by address */
    rts_window_add(window, &first_process, &bare_symbol, 0x9000, 5, 7 * MS, false);
    rts_window_add(window, &first_process, &copy, 0, 1, 2 * MS, false);
    rts_window_add(window, &first_process, &copy, 0x4000, 2, 3 * MS, true);
    rts_window_add(window, &first_process, &copy, 0x4000, 0, 1 * MS, true);
    assert_int_equal(rts_window_lines(window), 1);
    assert_int_equal(rts_window_hits(window), 8);
    assert_written(window, &usual,
                   "{\"symbolId\":\"sym:binary:BBB\",\"loaderBase\":\"0x4000\",\"hitCount\":8,"
                   "\"observedAt\":\"2025-11-26T12:00:00.002Z\","
                   "\"metadata\":{\"evidence\":\"sampled-leaf\",\"leafHits\":\"2\"}}\n");
    free((char *)(uintptr_t)copy.symbol_id);
    rts_window_destroy(window);
}

static void keeps_instances_apart(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    rts_window_add(window, &first_process, &bare_symbol, 0, 1, 0, false);
    rts_window_add(window, &second_process, &bare_symbol, 0, 1, 0, false);
    assert_int_equal(rts_window_lines(window), 2);
    rts_window_destroy(window);
}

/* Two files of a process whose functions have the same ids, since one of them says that it is the
 * other: each has its line, with its own names. */
static void keeps_files_apart(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    const struct rts_fact_symbol forged = {.file = 1, .symbol_id = "s", .aliases = "CVE"};
    const struct rts_fact_symbol real = {.file = 2, .symbol_id = "s", .aliases = "memcpy"};
    rts_window_add(window, &first_process, &forged, 0, 1, 0, false);
    rts_window_add(window, &first_process, &real, 0, 2, 0, false);
    rts_window_add(window, &first_process, &real, 0, 4, 0, false);
    assert_int_equal(rts_window_lines(window), 2);
    assert_int_equal(rts_window_hits(window), 7);
    assert_written(window, &usual,
                   "{\"symbolId\":\"s\",\"hitCount\":1,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\",\"metadata\":{"
                   "\"aliases\":\"CVE\",\"evidence\":\"sampled-caller\"}}\n"
                   "{\"symbolId\":\"s\",\"hitCount\":6,"
                   "\"observedAt\":\"2025-11-26T12:00:00.000Z\",\"metadata\":{"
                   "\"aliases\":\"memcpy\",\"evidence\":\"sampled-caller\"}}\n");
    rts_window_destroy(window);
}

static void nothing_gives_no_bytes(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    assert_written(window, &usual, "");
    rts_window_destroy(window);
    rts_window_destroy(NULL);
}

static void hostile_names_stay_one_line(void **state)
{
    (void)state;
    struct rts_window *window = rts_window_create();
    struct rts_fact_symbol symbol = {.symbol_id = "s", .name = "a\n\"\xff\x1b[2J\xc2\x85"};
    rts_window_add(window, &first_process, &symbol, 0, 1, 0, false);
    assert_written(window, &usual,
                   "{\"symbolId\":\"s\",\"hitCount\":1,\"observedAt\":\"2025-11-26T12:00:00.000Z\","
                   "\"metadata\":{\"evidence\":\"sampled-caller\","
                   "\"symbol\":\"a\\n\\\"\xef\xbf\xbd\\u001b[2J\\u0085\"}}\n");
    rts_window_destroy(window);
}

/* Many lines whose keys tie at every level, inserted in a scrambled order. Python reads them back,
 * checks the order and sums the hits. */
static void order_and_sums_agree_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    struct rts_window *window = rts_window_create();
    char ids[97][16];
    uint64_t hits = 0;
    for (unsigned i = 0; i < 97; i++)
        snprintf(ids[i], sizeof ids[i], "%c%u", 'A' + (int)(i * 31 % 58), i % 10);
    uint32_t random = 7;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        const struct rts_fact_process process = {
            random >> 8 & 31, 0, NULL, NULL, NULL, NULL, false};
        const struct rts_fact_symbol symbol = {.symbol_id = ids[(random >> 16) % 97]};
        uint64_t samples = random >> 28;
        rts_window_add(window, &process, &symbol, random & 0xf000, samples,
                       (random >> 4) % (9 * MS), random & 4);
        hits += samples;
    }
    assert_int_equal(rts_window_hits(window), hits);
    size_t lines = rts_window_lines(window);
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_window_write(window, &usual, &out);
    char *file = oracle_file(out.data, out.size);
    char *answer =
        oracle_ask("python3 -c \"import json\n"
                   "lines=open('%s','rb').read().split(b'\\n')\n"
                   "assert lines.pop()==b''\n"
                   "facts=[json.loads(l) for l in lines]\n"
                   "keys=[(f['observedAt'],f['symbolId'].encode(),l) for f,l in zip(facts,lines)]\n"
                   "assert keys==sorted(keys)\n"
                   "assert len(set(k[0] for k in keys))>3\n"
                   "print(len(facts),sum(f['hitCount'] for f in facts))\"",
                   file);
    char expected[64];
    snprintf(expected, sizeof expected, "%zu %llu", lines, (unsigned long long)hits);
    assert_string_equal(answer, expected);
    free(answer);
    oracle_file_done(file);
    rts_buffer_finish(&out);
    rts_window_destroy(window);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_whole_line),
        cmocka_unit_test(has_the_module_of_the_earliest_hit),
        cmocka_unit_test(says_what_is_known_of_packages),
        cmocka_unit_test(leaves_out_what_is_unknown),
        cmocka_unit_test(process_leaves_only_when_asked_for),
        cmocka_unit_test(switches_hide_build_id_and_base),
        cmocka_unit_test(sums_hits_of_a_line),
        cmocka_unit_test(keeps_instances_apart),
        cmocka_unit_test(keeps_files_apart),
        cmocka_unit_test(nothing_gives_no_bytes),
        cmocka_unit_test(hostile_names_stay_one_line),
        cmocka_unit_test(order_and_sums_agree_with_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
