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
#include "facts/observed_graph.h"

/* As those of symbols. */
static const char id_a[] = "sym:a", id_b[] = "sym:b", id_c[] = "sym:c";

static const struct rts_fact_options without, with_build_ids = {.emit_build_id = true};

#define SECOND 1000000000ULL

static void add_line(struct rts_window *window, uint64_t instance, const char *id, const char *purl,
                     uint64_t samples, uint64_t first_ns, bool leaf)
{
    const struct rts_fact_process process = {.instance = instance};
    const struct rts_fact_symbol symbol = {
        .symbol_id = id,
        .code_id = "buildid-00",
        .build_id = "gnu-build-id:00",
        .name = "name\"d",
        .source = "symtab",
        .id_scheme = "union-v0.1",
        .purl = purl,
    };
    rts_window_add(window, &process, &symbol, 0, samples, first_ns, leaf);
}

/* Counts a window and ends it. */
static void turn(struct rts_observed_graph *graph, struct rts_window *window, int64_t offset_ns)
{
    const struct rts_fact_options options = {.wall_offset_ns = offset_ns};
    struct rts_buffer lines = RTS_BUFFER_INIT;
    rts_observed_graph_add_window(graph, window, offset_ns);
    rts_window_write(window, &options, &lines);
    rts_buffer_finish(&lines);
}

static void sums_the_facts_of_all_windows_and_processes(void **state)
{
    (void)state;
    struct rts_observed_graph *graph = rts_observed_graph_create();
    struct rts_window *window = rts_window_create();
    struct rts_buffer out = RTS_BUFFER_INIT;
    add_line(window, 1, id_b, NULL, 3, 5 * SECOND, false);
    add_line(window, 2, id_b, NULL, 4, 3 * SECOND, true);
    add_line(window, 1, id_a, NULL, 1, 4 * SECOND, false);
    turn(graph, window, 0);
    add_line(window, 1, id_b, NULL, 10, 6 * SECOND, false);
    turn(graph, window, (int64_t)SECOND); /* the wall clock was set */
    rts_observed_graph_write_facts(graph, &without, &out);
    assert_string_equal(
        out.data,
        "{\"symbol_id\":\"sym:a\",\"code_id\":\"buildid-00\",\"hit_count\":1,\"leaf_hits\":0,"
        "\"evidence\":\"sampled-caller\",\"first_observed_at\":\"1970-01-01T00:00:04.000Z\","
        "\"last_observed_at\":\"1970-01-01T00:00:04.000Z\"}\n"
        "{\"symbol_id\":\"sym:b\",\"code_id\":\"buildid-00\",\"hit_count\":17,\"leaf_hits\":4,"
        "\"evidence\":\"sampled-leaf\",\"first_observed_at\":\"1970-01-01T00:00:03.000Z\","
        "\"last_observed_at\":\"1970-01-01T00:00:07.000Z\"}\n");
    assert_int_equal(rts_observed_graph_symbols(graph), 2);
    rts_buffer_finish(&out);
    rts_window_destroy(window);
    rts_observed_graph_destroy(graph);
}

/* A file of somebody's that claims the build-id of another says what it likes, first or last: of
 * what one of ours has, only that counts. */
static void believes_ours_first(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct rts_observed_graph *graph = rts_observed_graph_create();
        struct rts_window *window = rts_window_create();
        struct rts_buffer out = RTS_BUFFER_INIT;
        for (int i = 0; i < 3; i++) {
            bool ours = i == 2 * order;
            const struct rts_fact_process process = {.instance = (uint64_t)i + 1, .ours = ours};
            const struct rts_fact_symbol symbol = {
                .symbol_id = id_a,
                .code_id = "c",
                .name = ours ? "real" : "forged",
                .demangled = ours ? NULL : "forged()",
                .purl = ours ? "pkg:deb/debian/libc6" : "pkg:apk/evil",
            };
            rts_window_add(window, &process, &symbol, 0, 1, SECOND, false);
            turn(graph, window, 0);
        }
        rts_observed_graph_write_nodes(graph, &without, &out);
        assert_non_null(strstr(out.data, "\"purl\":\"pkg:deb/debian/libc6\""));
        assert_non_null(strstr(out.data, "real"));
        assert_null(strstr(out.data, "forged"));
        assert_int_equal(rts_observed_graph_symbols(graph), 1);
        rts_buffer_finish(&out);
        rts_window_destroy(window);
        rts_observed_graph_destroy(graph);
    }
}

/* What the package table says may change, and is gone when the window is. */
static void names_the_first_purl_by_its_bytes(void **state)
{
    (void)state;
    struct rts_observed_graph *graph = rts_observed_graph_create();
    struct rts_window *window = rts_window_create();
    struct rts_buffer out = RTS_BUFFER_INIT;
    char purl[] = "pkg:deb/debian/x@2";
    static const char versions[] = {'\0', '2', '1', '2'}; /* the first has none */
    for (size_t i = 0; i < 4; i++) {
        purl[sizeof purl - 2] = versions[i];
        add_line(window, 1, id_a, versions[i] ? purl : NULL, 1, SECOND, true);
        turn(graph, window, 0);
    }
    purl[0] = '\0';
    rts_observed_graph_write_nodes(graph, &with_build_ids, &out);
    assert_string_equal(out.data,
                        "{\"symbol_id\":\"sym:a\",\"code_id\":\"buildid-00\","
                        "\"build_id\":\"gnu-build-id:00\",\"purl\":\"pkg:deb/debian/x@1\","
                        "\"kind\":\"function\",\"name\":\"name\\\"d\",\"display\":\"name\\\"d\","
                        "\"symbol_source\":\"symtab\",\"id_scheme\":\"union-v0.1\"}\n");
    rts_buffer_clear(&out);
    rts_observed_graph_write_nodes(graph, &without, &out);
    assert_null(strstr(out.data, "build_id"));
    rts_buffer_finish(&out);
    rts_window_destroy(window);
    rts_observed_graph_destroy(graph);
}

static void counts_a_call_once_in_a_stack(void **state)
{
    (void)state;
    struct rts_observed_graph *graph = rts_observed_graph_create();
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_observed_graph_add_call(graph, id_b, id_c, 5, 1);
    rts_observed_graph_add_call(graph, id_c, id_c, 5, 1);
    rts_observed_graph_add_call(graph, id_c, id_c, 5, 1); /* deeper recursion */
    rts_observed_graph_add_call(graph, id_b, id_a, 2, 2);
    rts_observed_graph_add_call(graph, id_b, id_c, 2, 2);
    rts_observed_graph_add_call(graph, id_a, id_b, 1, 3);
    rts_observed_graph_write_calls(graph, &without, &out);
    assert_string_equal(
        out.data, "{\"from\":\"sym:a\",\"to\":\"sym:b\",\"edge_type\":\"call\",\"hit_count\":1}\n"
                  "{\"from\":\"sym:b\",\"to\":\"sym:a\",\"edge_type\":\"call\",\"hit_count\":2}\n"
                  "{\"from\":\"sym:b\",\"to\":\"sym:c\",\"edge_type\":\"call\",\"hit_count\":7}\n"
                  "{\"from\":\"sym:c\",\"to\":\"sym:c\",\"edge_type\":\"call\",\"hit_count\":5}\n");
    assert_int_equal(rts_observed_graph_calls(graph), 4);
    assert_int_equal(rts_observed_graph_dropped(graph), 0);
    rts_buffer_finish(&out);
    rts_observed_graph_destroy(graph);
}

/* A target that makes up its stacks costs no more than the limit, and known pairs still count. */
static void keeps_no_more_calls_than_the_limit(void **state)
{
    (void)state;
    struct rts_observed_graph *graph = rts_observed_graph_create();
    char(*ids)[8] = calloc(1025, sizeof *ids);
    for (size_t i = 0; i < 1025; i++)
        snprintf(ids[i], sizeof ids[i], "id%zu", i);
    for (size_t i = 0; i <= RTS_OBSERVED_CALLS_MAX; i++)
        rts_observed_graph_add_call(graph, ids[i / 1024], ids[i % 1024], 3, i + 1);
    assert_int_equal(rts_observed_graph_calls(graph), RTS_OBSERVED_CALLS_MAX);
    assert_int_equal(rts_observed_graph_dropped(graph), 3);
    rts_observed_graph_add_call(graph, ids[0], ids[0], 1, UINT64_MAX);
    assert_int_equal(rts_observed_graph_dropped(graph), 3);
    rts_observed_graph_destroy(graph);
    free(ids);
}

/* Beyond the share nothing new is taken in, and it is counted; what is known counts on. */
static void keeps_to_its_share(void **state)
{
    (void)state;
    struct rts_share share = {.limit = 16384};
    struct rts_observed_graph *graph = rts_observed_graph_create();
    struct rts_window *window = rts_window_create();
    rts_observed_graph_use_share(graph, &share);
    for (size_t i = 0; i < 1000; i++) {
        char id[32]; /* gone after each window, as symbols may be */
        snprintf(id, sizeof id, "sym:%zu", i);
        add_line(window, 1, id, NULL, 1, SECOND, true);
        turn(graph, window, 0);
        rts_observed_graph_add_call(graph, id, "sym:0", 1, i + 1);
    }
    size_t kept = rts_observed_graph_symbols(graph);
    assert_true(kept > 5 && kept < 100);
    assert_int_equal(rts_observed_graph_dropped_symbols(graph), 1000 - kept);
    assert_true(rts_observed_graph_dropped(graph) > 900);
    assert_true(share.bytes >= share.limit && share.bytes < share.limit + 1024);
    add_line(window, 1, "sym:0", NULL, 41, SECOND, true);
    turn(graph, window, 0);
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_observed_graph_write_facts(graph, &without, &out);
    assert_non_null(strstr(out.data, "{\"symbol_id\":\"sym:0\",\"code_id\":\"buildid-00\","
                                     "\"hit_count\":42,"));
    rts_buffer_finish(&out);
    rts_window_destroy(window);
    rts_observed_graph_destroy(graph);
    assert_int_equal(share.bytes, 0);
}

static void writes_nothing_of_nothing(void **state)
{
    (void)state;
    struct rts_observed_graph *graph = rts_observed_graph_create();
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_observed_graph_write_nodes(graph, &with_build_ids, &out);
    rts_observed_graph_write_calls(graph, &without, &out);
    rts_observed_graph_write_facts(graph, &without, &out);
    assert_int_equal(out.size, 0);
    rts_buffer_finish(&out);
    rts_observed_graph_destroy(graph);
    rts_observed_graph_destroy(NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_the_facts_of_all_windows_and_processes),
        cmocka_unit_test(names_the_first_purl_by_its_bytes),
        cmocka_unit_test(counts_a_call_once_in_a_stack),
        cmocka_unit_test(keeps_no_more_calls_than_the_limit),
        cmocka_unit_test(keeps_to_its_share),
        cmocka_unit_test(writes_nothing_of_nothing),
        cmocka_unit_test(believes_ours_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
