/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "delivery/secret.h"
#include "http/url.h"

#define URL "https://signals.example/signals/runtime-facts/ndjson"

static struct rts_endpoint make(const struct rts_endpoint_options *options)
{
    struct rts_endpoint endpoint;
    struct rts_error error = {0};
    if (rts_endpoint_init(&endpoint, options, &error) < 0)
        fail_msg("%s", error.text);
    return endpoint;
}

static void assert_refused(const struct rts_endpoint_options *options, const char *word)
{
    struct rts_endpoint endpoint;
    struct rts_error error = {0};
    assert_int_equal(rts_endpoint_init(&endpoint, options, &error), -1);
    assert_int_equal(error.failure, RTS_USAGE);
    if (!strstr(error.text, word))
        fail_msg("\"%s\" is not in: %s", word, error.text);
    assert_null(strstr(error.text, "hunter2"));
}

static struct rts_endpoint_options with_url(const char *url)
{
    struct rts_endpoint_options options = {.url = url};
    options.parameters[RTS_PARAMETER_CALLGRAPH_ID] = "cg";
    return options;
}

static void envelope_says_it_all(void **state)
{
    (void)state;
    const struct rts_header headers[] = {{"X-Scopes", "signals:write"},
                                         {"Authorization", "Bearer hunter2"},
                                         {"X-Unknown", "hunter2"}};
    struct rts_endpoint_options options = {
        .url = URL "?ticket=hunter2&SOURCE=zastava",
        .parameters = {"cg-1", "s 1", "sha256:ab",
                       "w\xc3\xa9"
                       "b",
                       "1.0+2", NULL, "an"},
        .headers = headers,
        .header_count = 3,
    };
    struct rts_endpoint endpoint = make(&options);
    assert_string_equal(endpoint.envelope,
                        "path: /signals/runtime-facts/ndjson\n"
                        "query: callgraphId=cg-1&scanId=s%201&imageDigest=sha256%3Aab"
                        "&component=w%C3%A9b&version=1.0%2B2&source=zastava\n"
                        "header: X-Callgraph-Id: cg-1\n"
                        "header: X-Analysis-Id: an\n"
                        "header: X-Scopes: signals:write\n"
                        "withheld: Authorization\n"
                        "withheld: X-Unknown\n");
    assert_string_equal(endpoint.extra_query, "ticket=hunter2");
    assert_string_equal(endpoint.origin, "https://signals.example:443");
    assert_int_equal(endpoint.withheld_count, 2);
    assert_false(endpoint.structured);
    assert_null(endpoint.structured_head);
    rts_endpoint_finish(&endpoint);
}

static void callgraph_id_of_a_header_or_the_query(void **state)
{
    (void)state;
    const struct rts_header header = {"x-callgraph-id", "cg-123"};
    struct rts_endpoint_options options = {.url = URL, .headers = &header, .header_count = 1};
    struct rts_endpoint endpoint = make(&options);
    static const char wanted[] = "path: /signals/runtime-facts/ndjson\nquery: callgraphId=cg-123\n"
                                 "header: X-Callgraph-Id: cg-123\n";
    assert_string_equal(endpoint.envelope, wanted);
    rts_endpoint_finish(&endpoint);
    options = (struct rts_endpoint_options){.url = URL "?callgraphId=cg%2d123"};
    endpoint = make(&options);
    assert_string_equal(endpoint.envelope, wanted);
    rts_endpoint_finish(&endpoint);
    options.parameters[RTS_PARAMETER_CALLGRAPH_ID] = "other";
    assert_refused(&options, "given twice");
    options = (struct rts_endpoint_options){.url = URL};
    assert_refused(&options, "callgraphId is required");
    options.drain_only = true;
    endpoint = make(&options);
    assert_null(endpoint.envelope);
    rts_endpoint_finish(&endpoint);
}

static void form_and_paths(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum rts_body_format format;
        bool structured;
        const char *ndjson_path, *structured_path;
    } rows[] = {
        {"https://h/a/signals/runtime-facts", RTS_BODY_AUTO, true,
         "/a/signals/runtime-facts/ndjson", "/a/signals/runtime-facts"},
        {"https://h/a/signals/runtime-facts/ndjson", RTS_BODY_AUTO, false,
         "/a/signals/runtime-facts/ndjson", "/a/signals/runtime-facts"},
        {"https://h/facts", RTS_BODY_AUTO, false, "/facts", "/facts"},
        {"https://h", RTS_BODY_STRUCTURED, true, "/", "/"},
        {"https://h/signals/runtime-facts", RTS_BODY_NDJSON, false, "/signals/runtime-facts",
         "/signals/runtime-facts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rts_endpoint_options options = with_url(rows[i].url);
        options.format = rows[i].format;
        options.parameters[RTS_PARAMETER_COMPONENT] = "a\"b";
        struct rts_endpoint endpoint = make(&options);
        assert_int_equal(endpoint.structured, rows[i].structured);
        assert_string_equal(rts_endpoint_path(&endpoint, false), rows[i].ndjson_path);
        assert_string_equal(rts_endpoint_path(&endpoint, true), rows[i].structured_path);
        if (rows[i].structured)
            assert_string_equal(endpoint.structured_head,
                                "{\"subject\":{\"component\":\"a\\\"b\"},\"callgraphId\":\"cg\","
                                "\"events\":[");
        rts_endpoint_finish(&endpoint);
    }
}

static void addresses_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *word;
    } rows[] = {
        {"http://signals.example/x", "https"},
        {"http://127.0.0.1.example/x", "https"},
        {"http://0x7f000001.example", "https"},
        {"http://10.0.0.1/x", "https"},
        {"http://[::2]/x", "https"},
        {"ftp://127.0.0.1/x", "https"},
        {"file:///etc/passwd", "https"},
        {"signals.example", "not an address"},
        {"", "not an address"},
        {"https://", "not an address"},
        {"https://a b/x", "not an address"},
        {"https://a/x\r\nHost: b", "not an address"},
        {"https://me:hunter2@a/x", "password"},
        {"https://hunter2@a/x", "password"},
        {"https://a/x#hunter2", "#"},
        {"https://a:99999/x", "not an address"},
        {"https://a/\xc3\xa9", "not an address"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rts_endpoint_options options = with_url(rows[i].url);
        assert_refused(&options, rows[i].word);
    }
}

static void loopback_may_be_plain(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://127.0.0.1:8080/x", "http://127.255.0.3/x",
                                       "http://localhost/x", "http://LOCALHOST:1/x",
                                       "http://[::1]:5/x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct rts_endpoint_options options = with_url(urls[i]);
        struct rts_endpoint endpoint = make(&options);
        assert_true(endpoint.plain);
        rts_endpoint_finish(&endpoint);
    }
}

static void hosts_that_are_allowed(void **state)
{
    (void)state;
    static const char *const yes[] = {"signals.example", "SIGNALS.example", "signals.example:8443"};
    static const char *const no[] = {"example", "signals.example:443",    "signals.example.org", "",
                                     "*",       "https://signals.example"};
    struct rts_endpoint_options options = with_url("https://Signals.Example.:8443/x");
    options.allowed_host_count = 1;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        options.allowed_hosts = &yes[i];
        struct rts_endpoint endpoint = make(&options);
        rts_endpoint_finish(&endpoint);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        options.allowed_hosts = &no[i];
        assert_refused(&options, "Egress:AllowedHosts");
    }
    static const char *const six[] = {"::1", "[::1]", "[::1]:5"};
    options.url = "https://[::1]:5/";
    for (size_t i = 0; i < 3; i++) {
        options.allowed_hosts = &six[i];
        struct rts_endpoint endpoint = make(&options);
        rts_endpoint_finish(&endpoint);
    }
}

static void headers_that_are_refused(void **state)
{
    (void)state;
    static const struct rts_header headers[] = {
        {"Host", "b"},          {"content-length", "1"},
        {"X A", "1"},           {"", "1"},
        {"X", "hunter2\nY: 1"}, {"X", ""},
        {"X:", "hunter2"},      {"Idempotency-Key", "1"},
        {"X", "\x01hunter2"},   {"X", "hunter2\x7f"},
        {"Expect", "1"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct rts_endpoint_options options = with_url(URL);
        options.headers = &headers[i];
        options.header_count = 1;
        assert_refused(&options, "header");
    }
}

static void ids_that_cannot_be_sent(void **state)
{
    (void)state;
    struct rts_endpoint_options options = with_url(URL);
    options.parameters[RTS_PARAMETER_ANALYSIS_ID] = "a\r\nX: 1";
    assert_refused(&options, "analysisId");
    options.parameters[RTS_PARAMETER_ANALYSIS_ID] = NULL;
    options.parameters[RTS_PARAMETER_CALLGRAPH_ID] = "c\xc3\xa9";
    assert_refused(&options, "callgraphId");
}

static void secrets_are_blotted_out(void **state)
{
    (void)state;
    char text[] = "hunter2 and hunter22, hunterhunter2; abc";
    rts_secret_blot_out(text, sizeof text - 1, "hunter2");
    rts_secret_blot_out(text, sizeof text - 1, "abc"); /* too short to be looked for */
    rts_secret_blot_out(text, sizeof text - 1, "");
    assert_string_equal(text, "******* and *******2, hunter*******; abc");
}

static void values_of_queries(void **state)
{
    (void)state;
    static const char query[] = "a=1&b=x%20y+z%41&&c&scanid=5&d=%zz%4";
    static const struct {
        const char *name, *value;
    } rows[] = {{"a", "1"}, {"B", "x y zA"}, {"scanId", "5"}, {"d", "%zz%4"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *value = rts_url_query_value(query, rows[i].name);
        assert_string_equal(value, rows[i].value);
        free(value);
    }
    assert_null(rts_url_query_value(query, "c"));
    assert_null(rts_url_query_value(query, "scan"));
    assert_null(rts_url_query_value("", "a"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_says_it_all),
        cmocka_unit_test(callgraph_id_of_a_header_or_the_query),
        cmocka_unit_test(form_and_paths),
        cmocka_unit_test(addresses_that_are_refused),
        cmocka_unit_test(loopback_may_be_plain),
        cmocka_unit_test(hosts_that_are_allowed),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(ids_that_cannot_be_sent),
        cmocka_unit_test(secrets_are_blotted_out),
        cmocka_unit_test(values_of_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
