/* SPDX-License-Identifier: Apache-2.0 */
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

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Gives a text out in pieces, so that tokens are cut everywhere. */
struct pieces {
    const char *at;
    size_t left, size;
};

static long give(void *context, void *bytes, size_t size, struct rts_error *error)
{
    (void)error;
    struct pieces *pieces = context;
    size_t given = pieces->left < pieces->size ? pieces->left : pieces->size;
    if (given > size)
        given = size;
    memcpy(bytes, pieces->at, given);
    pieces->at += given;
    pieces->left -= given;
    return (long)given;
}

static struct rts_graph *read_bytes(const char *text, size_t length, size_t size,
                                    struct rts_error *error)
{
    struct pieces pieces = {text, length, size};
    return rts_graph_read(give, &pieces, "graph", error);
}

static struct rts_graph *read_text(const char *text)
{
    struct rts_error error = {0};
    struct rts_graph *graph = read_bytes(text, strlen(text), SIZE_MAX, &error);
    if (!graph)
        fail_msg("%s", error.text);
    return graph;
}

static void refused(const char *text, const char *reason)
{
    struct rts_error error = {0};
    struct rts_graph *graph = read_bytes(text, strlen(text), SIZE_MAX, &error);
    assert_null(graph);
    if (!strstr(error.text, reason))
        fail_msg("\"%s\" is not in \"%s\"", reason, error.text);
}

static void joins(const struct rts_graph *graph, const struct rts_graph_query *query,
                  const char *symbol_id, const char *code_id, const char *rule)
{
    struct rts_graph_match match = {0};
    assert_int_equal(rts_graph_find(graph, query, &match), RTS_JOIN_JOINED);
    assert_string_equal(match.symbol_id, symbol_id);
    assert_string_equal(match.rule, rule);
    if (code_id)
        assert_string_equal(match.code_id, code_id);
    else
        assert_null(match.code_id);
}

static void misses(const struct rts_graph *graph, const struct rts_graph_query *query,
                   enum rts_join reason)
{
    struct rts_graph_match match = {0};
    assert_int_equal(rts_graph_find(graph, query, &match), reason);
    assert_null(match.symbol_id);
}

static const char union_nodes[] =
    "{\"symbol_id\":\"s1\",\"lang\":\"binary\",\"code_id\":\"c1\",\"build_id\":\"gnu-build-id:"
    "00AB\","
    "\"symbol\":{\"mangled\":\"_Z1fv\",\"demangled\":\"f()\"},\"attributes\":{\"address\":"
    "\"0x1000\"}}\n"
    "{\"symbol_id\":\"s2\",\"code_id\":\"buildid-00ab\",\"name\":\"g\",\"addr\":8192,"
    "\"source\":{\"origin\":\"static\",\"list\":[1,{\"x\":[]},null,true,-1.5e3]}}\n"
    "\n"
    "{\"display\":\"h\",\"symbol_id\":\"s3\",\"build_id\":\"buildid-00ab\"}\n"
    "{\"symbol_id\":\"s4\",\"file_sha256\":\"sha256:" HASH
    "\",\"address\":\"4096\",\"name\":\"f\"}\n"
    "{\"symbol_id\":\"s5\",\"lang\":\"java\"}";

static void union_nodes_are_found(void **state)
{
    (void)state;
    struct rts_graph *graph = read_text(union_nodes);
    assert_int_equal(rts_graph_nodes(graph), 5);
    assert_int_equal(rts_graph_joinable(graph), 4);
    assert_true(rts_graph_has_hashes(graph));
    assert_true(rts_graph_knows_build_id(graph, "00ab"));
    assert_false(rts_graph_knows_build_id(graph, "00a"));
    struct rts_graph_query query = {.build_id = "00ab", .has_address = true, .address = 0x1000};
    joins(graph, &query, "s1", "c1", "build-id+address");
    query.address = 0x2000;
    joins(graph, &query, "s2", "buildid-00ab", "build-id+address");
    query.address = 0x3000;
    query.name = "h";
    joins(graph, &query, "s3", NULL, "build-id+name");
    query.name = "unknown";
    misses(graph, &query, RTS_JOIN_ADDRESS_UNKNOWN);
    query.has_address = false; /* inlined */
    misses(graph, &query, RTS_JOIN_NAME_DIFFERS);
    query.name = "_Z1fv";
    joins(graph, &query, "s1", "c1", "build-id+name");
    struct rts_graph_query hashed = {.file_sha256 = HASH, .has_address = true, .address = 0x1000};
    joins(graph, &hashed, "s4", NULL, "file-hash+address");
    hashed.build_id = "ffff"; /* not in the graph */
    joins(graph, &hashed, "s4", NULL, "file-hash+address");
    hashed.address = 1;
    hashed.name = "f";
    joins(graph, &hashed, "s4", NULL, "file-hash+name");
    query.build_id = "ffff";
    misses(graph, &query, RTS_JOIN_FILE_UNKNOWN);
    rts_graph_destroy(graph);
}

static void richgraph_is_read(void **state)
{
    (void)state;
    struct rts_graph *graph = read_text(
        "{\"schema\":\"richgraph-v1\",\"id\":\"none\",\"edges\":[{\"from\":\"s1\",\"to\":\"s2\"}],"
        "\"nodes\":[{\"id\":\"i\",\"symbol_id\":\"s1\",\"build_id\":\"00ab\",\"addr\":\"0x10\"},"
        "{\"id\":\"s2\",\"build_id\":\"00ab\",\"addr\":\"0x20\"},7],\"symbol_id\":\"none\"}");
    assert_int_equal(rts_graph_nodes(graph), 2);
    struct rts_graph_query query = {.build_id = "00ab", .has_address = true, .address = 0x10};
    joins(graph, &query, "s1", NULL, "build-id+address");
    query.address = 0x20;
    joins(graph, &query, "s2", NULL, "build-id+address");
    rts_graph_destroy(graph);
}

/* Several nodes at one address: the name, then an alias, then the order of the ids decides. */
static void names_decide_at_one_address(void **state)
{
    (void)state;
    struct rts_graph *graph =
        read_text("{\"symbol_id\":\"c\",\"build_id\":\"ab\",\"addr\":16,\"name\":\"third\"}"
                  "{\"symbol_id\":\"a\",\"build_id\":\"ab\",\"addr\":16,\"name\":\"first\"}"
                  "{\"symbol_id\":\"b\",\"build_id\":\"ab\",\"addr\":16,\"name\":\"second\"}"
                  "{\"symbol_id\":\"0\",\"build_id\":\"cd\",\"addr\":16,\"name\":\"third\"}");
    static const char *const aliases[] = {"none", "second", NULL};
    struct rts_graph_query query = {
        .build_id = "ab", .has_address = true, .address = 16, .name = "third", .aliases = aliases};
    joins(graph, &query, "c", NULL, "build-id+address");
    query.name = "other";
    joins(graph, &query, "b", NULL, "build-id+address");
    query.aliases = NULL;
    joins(graph, &query, "a", NULL, "build-id+address");
    query.name = NULL;
    joins(graph, &query, "a", NULL, "build-id+address");
    rts_graph_destroy(graph);
}

/* A name that several functions of a file have tells nothing. */
static void ambiguous_names_do_not_join(void **state)
{
    (void)state;
    struct rts_graph *graph =
        read_text("{\"symbol_id\":\"a\",\"build_id\":\"ab\",\"addr\":16,\"name\":\"helper\"}"
                  "{\"symbol_id\":\"b\",\"build_id\":\"ab\",\"addr\":32,\"name\":\"helper\"}"
                  "{\"symbol_id\":\"c\",\"build_id\":\"ab\",\"name\":\"twice\"}"
                  "{\"symbol_id\":\"c\",\"build_id\":\"ab\",\"name\":\"twice\"}");
    struct rts_graph_query query = {
        .build_id = "ab", .has_address = true, .address = 48, .name = "helper"};
    misses(graph, &query, RTS_JOIN_NAME_AMBIGUOUS);
    query.address = 32;
    joins(graph, &query, "b", NULL, "build-id+address");
    query.address = 48;
    query.name = "twice";
    joins(graph, &query, "c", NULL, "build-id+name");
    rts_graph_destroy(graph);
}

static void escapes_are_replaced(void **state)
{
    (void)state;
    struct rts_graph *graph = read_text(
        "{\"symbol_id\":\"a\\u00e9\\ud83d\\udc27\\n\",\"build_id\":\"ab\",\"name\":\"x\\\"y\\/\"}");
    struct rts_graph_query query = {.build_id = "ab", .name = "x\"y/"};
    joins(graph, &query, "a\xc3\xa9\xf0\x9f\x90\xa7\n", NULL, "build-id+name");
    rts_graph_destroy(graph);
    refused("{\"symbol_id\":\"a\\u0000b\"}", "byte");
    refused("{\"symbol_id\":\"a\\ud800\"}", "byte");
}

static void addresses_have_two_forms(void **state)
{
    (void)state;
    struct rts_graph *graph = read_text(
        "{\"symbol_id\":\"a\",\"build_id\":\"ab\",\"addr\":\"0xFFFFFFFFFFFFFFFF\",\"name\":\"a\"}"
        "{\"symbol_id\":\"b\",\"build_id\":\"ab\",\"addr\":\"0x10000000000000000\",\"name\":\"b\"}"
        "{\"symbol_id\":\"c\",\"build_id\":\"ab\",\"addr\":\"18446744073709551615\",\"name\":\"a\"}"
        "{\"symbol_id\":\"d\",\"build_id\":\"ab\",\"addr\":-1,\"name\":\"d\"}"
        "{\"symbol_id\":\"e\",\"build_id\":\"ab\",\"addr\":\"12f\"}"
        "{\"symbol_id\":\"f\",\"build_id\":\"xy\",\"addr\":1}");
    assert_int_equal(rts_graph_nodes(graph), 6);
    assert_int_equal(rts_graph_joinable(graph), 4);
    struct rts_graph_query query = {
        .build_id = "ab", .has_address = true, .address = UINT64_MAX, .name = "a"};
    joins(graph, &query, "a", NULL, "build-id+address");
    query.address = 0;
    query.name = NULL;
    misses(graph, &query, RTS_JOIN_ADDRESS_UNKNOWN);
    rts_graph_destroy(graph);
}

static void damaged_graphs_are_refused(void **state)
{
    (void)state;
    refused("", "no node");
    refused("{}", "no node");
    refused("hello", "byte 0");
    refused("{\"symbol_id\":\"a\"", "byte 16");
    refused("{\"symbol_id\":\"a\nb\"}", "control character");
    refused("{\"symbol_id\" \"a\"}", "colon");
    refused("{\"nodes\":[{\"id\":\"a\"}", "byte");
    refused("{\"nodes\":[{\"id\":\"a\"]}", "byte");
    refused("{\"x\":[}", "bracket");
    refused("{\"x\":\"", "does not end");
    char deep[512];
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "{\"x\":", 5);
    deep[sizeof deep - 1] = '\0';
    refused(deep, "too deep");
}

/* Longer than any id may be, and than may be in memory at once. */
static void long_texts_are_bounded(void **state)
{
    (void)state;
    size_t size = 3u << 20;
    char *text = malloc(size + 64);
    struct rts_error error = {0};
    int start = sprintf(text, "{\"symbol_id\":\"");
    memset(text + start, 'a', size);
    strcpy(text + start + 5000, "\"}");
    refused(text, "too long");
    memset(text + start, 'a', size);
    strcpy(text + start + size, "\"}");
    assert_null(read_bytes(text, strlen(text), 4096, &error));
    assert_non_null(strstr(error.text, "1 MiB"));
    free(text);
}

/* Wherever the input is cut into pieces, the same comes out. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        struct rts_error error = {0};
        struct rts_graph *graph = read_bytes(union_nodes, sizeof union_nodes - 1, size, &error);
        assert_non_null(graph);
        assert_int_equal(rts_graph_nodes(graph), 5);
        struct rts_graph_query query = {.build_id = "00ab", .has_address = true, .address = 0x2000};
        joins(graph, &query, "s2", "buildid-00ab", "build-id+address");
        rts_graph_destroy(graph);
    }
}

/* Damaged in a fixed sequence of ways: it is read or refused, and then asked. The sanitizers look
 * on. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]\",:\\u0x9e-\n \xff";
    unsigned long chance = 1;
    unsigned read = 0;
    for (unsigned round = 0; round < 4000; round++) {
        char text[sizeof union_nodes];
        size_t length = sizeof union_nodes - 1;
        memcpy(text, union_nodes, sizeof union_nodes);
        for (unsigned i = 0; i <= round % 4; i++) {
            chance = chance * 6364136223846793005UL + 1442695040888963407UL;
            text[(chance >> 33) % length] = bytes[(chance >> 20) % (sizeof bytes - 1)];
        }
        if (round % 7 == 0)
            length = (chance >> 40) % length;
        struct rts_error error = {0};
        struct rts_graph *graph = read_bytes(text, length, 1 + round % 97, &error);
        if (!graph) {
            assert_true(error.text[0]);
            continue;
        }
        read++;
        struct rts_graph_match match;
        struct rts_graph_query query = {
            .build_id = "00ab", .has_address = true, .address = 0x1000, .name = "h"};
        rts_graph_find(graph, &query, &match);
        query.address = 1;
        rts_graph_find(graph, &query, &match);
        rts_graph_destroy(graph);
    }
    assert_in_range(read, 100, 3900);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(union_nodes_are_found),
        cmocka_unit_test(richgraph_is_read),
        cmocka_unit_test(names_decide_at_one_address),
        cmocka_unit_test(ambiguous_names_do_not_join),
        cmocka_unit_test(escapes_are_replaced),
        cmocka_unit_test(addresses_have_two_forms),
        cmocka_unit_test(damaged_graphs_are_refused),
        cmocka_unit_test(long_texts_are_bounded),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
