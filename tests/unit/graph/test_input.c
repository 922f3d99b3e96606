/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

#include "../oracle.h"
#include "../suite.h"

/* Has the shell make a graph file, $1, from nodes of one line; reads it; the number of nodes, or
 * -1 with *error. */
static long load(const char *script, struct rts_error *error)
{
    char *folder = oracle_ask("mktemp -d");
    free(oracle_ask(
        "cd '%s' && "
        "echo '{\"symbol_id\":\"a\",\"build_id\":\"ab\",\"name\":\"f\"}' >nodes.ndjson && "
        "echo '{\"nodes\":[{\"id\":\"b\"},{\"id\":\"c\"}]}' >graph.json && "
        "echo '{\"files\":[{\"id\":\"d\"}],\"id\":\"e\"}' >meta.json && "
        "set -- out && { %s; } >/dev/null 2>&1",
        folder, script));
    char path[512];
    snprintf(path, sizeof path, "%s/out", folder);
    struct rts_graph *graph = rts_graph_load(path, error);
    long nodes = graph ? (long)rts_graph_nodes(graph) : -1;
    rts_graph_destroy(graph);
    free(oracle_ask("rm -r '%s'", folder));
    free(folder);
    return nodes;
}

static void files_are_read(void **state)
{
    (void)state;
    struct rts_error error = {0};
    assert_int_equal(load("cat nodes.ndjson >$1", &error), 1);
    assert_int_equal(load("cat graph.json >$1", &error), 2);
    assert_int_equal(load("true", &error), -1);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(load("mkdir $1", &error), -1);
    assert_int_equal(load("head -c 3000 /dev/urandom >$1", &error), -1);
}

static void byte_order_marks_are_passed_over(void **state)
{
    (void)state;
    struct rts_error error = {0};
    assert_int_equal(load("{ printf '\\357\\273\\277'; cat nodes.ndjson; } >$1", &error), 1);
    assert_int_equal(load("{ printf '\\357\\273\\277'; cat graph.json; } >$1", &error), 2);
    assert_int_equal(load("printf '\\357\\273\\277' >$1", &error), -1);
    assert_int_equal(load("{ cat nodes.ndjson; printf '\\357\\273\\277'; } >$1", &error), -1);
    assert_int_equal(load("iconv -t UTF-16 graph.json >$1", &error), -1);
    assert_non_null(strstr(error.text, "UTF-16"));
}

#ifdef HAVE_LIBARCHIVE

static void marks_in_archives_are_passed_over(void **state)
{
    (void)state;
    ORACLE_NEEDS("tar");
    struct rts_error error = {0};
    assert_int_equal(
        load("sed -i '1s/^/\\xef\\xbb\\xbf/' *json; tar -cf $1 nodes.ndjson graph.json", &error),
        3);
    assert_int_equal(
        load("sed -i '1s/^/\\xef\\xbb\\xbf/' graph.json; gzip -c graph.json >$1", &error), 2);
}

static void archives_are_read(void **state)
{
    (void)state;
    ORACLE_NEEDS("tar");
    ORACLE_NEEDS("zstd");
    ORACLE_NEEDS("python3");
    struct rts_error error = {0};
    assert_int_equal(load("tar -cf $1 nodes.ndjson meta.json", &error), 1);
    assert_int_equal(load("mkdir d; mv *json d; tar -c d | zstd -q >$1", &error), 3);
    assert_int_equal(load("tar -czf $1 meta.json graph.json", &error), 2);
    assert_int_equal(load("python3 -m zipfile -c z nodes.ndjson meta.json; mv z $1", &error), 1);
    assert_int_equal(load("mv nodes.ndjson x; gzip x; mv x.gz $1", &error), 1);
    assert_int_equal(load("zstd -q -c graph.json >$1", &error), 2);
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    ORACLE_NEEDS("zstd");
    struct rts_error error = {0};
    assert_int_equal(load("zstd -q -c nodes.ndjson | head -c 30 >$1", &error), -1);
    assert_non_null(strstr(error.text, "unpacked"));
    assert_int_equal(load("tar -cf - meta.json >$1", &error), -1);
    assert_non_null(strstr(error.text, "no node"));
    assert_int_equal(load("printf 'PK\\003\\004nonsense' >$1", &error), -1);
}

#else

static void marks_in_archives_are_passed_over(void **state)
{
    (void)state;
    skip();
}

static void archives_are_read(void **state)
{
    (void)state;
    struct rts_error error = {0};
    assert_int_equal(load("gzip -c nodes.ndjson >$1", &error), -1);
    assert_non_null(strstr(error.text, "without libarchive"));
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    skip();
}

#endif

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(byte_order_marks_are_passed_over),
        cmocka_unit_test(marks_in_archives_are_passed_over),
        cmocka_unit_test(archives_are_read),
        cmocka_unit_test(damaged_archives_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
