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
#include "settings/settings_options.h"

struct pair {
    const char *path, *value;
};

/* One layer of settings by their paths, up to a NULL. */
static void layer(struct rts_settings *settings, const struct pair *pairs)
{
    struct rts_error error;
    rts_settings_begin_layer(settings);
    for (; pairs->path; pairs++)
        if (rts_settings_apply(settings, pairs->path, pairs->path, pairs->value, &error) < 0)
            fail_msg("%s", error.text);
    rts_settings_end_layer(settings);
}

#define LAYER(settings, ...) layer(settings, (const struct pair[]){__VA_ARGS__, {NULL, NULL}})

static void headers_give_ids_of_their_layer(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Headers", "x-callgraph-id: from-header"},
          {"Ingest:Headers", "X-Analysis-Id: an-1"}, {"Ingest:Headers", "X-A: b"});
    assert_string_equal(settings.ingest.callgraph_id, "from-header");
    assert_string_equal(settings.ingest.analysis_id, "an-1");
    assert_int_equal(settings.ingest.headers.count, 1);

    /* Given both ways in one layer: the key of its own is meant. */
    LAYER(&settings, {"Ingest:CallgraphId", "by-key"},
          {"Ingest:Headers", "X-Callgraph-Id: from-header"});
    assert_string_equal(settings.ingest.callgraph_id, "by-key");

    /* A later layer is meant, whichever way. */
    LAYER(&settings, {"Ingest:Headers", "X-Callgraph-Id: later"});
    assert_string_equal(settings.ingest.callgraph_id, "later");
    LAYER(&settings, {"Sampler:Ratio", "2"});
    assert_string_equal(settings.ingest.callgraph_id, "later");
    rts_settings_finish(&settings);
}

static const char *complete(struct rts_settings *settings)
{
    static struct rts_error error;
    error = (struct rts_error){0};
    return rts_settings_complete(settings, &error) < 0 ? error.text : NULL;
}

static void output_is_stdout_unless_delivered(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    assert_null(complete(&settings));
    assert_string_equal(settings.output, "-");
    rts_settings_finish(&settings);

    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Endpoint", "https://signals.example/x"});
    assert_null(complete(&settings));
    assert_null(settings.output);
    assert_true(rts_settings_wants_delivery(&settings));
    LAYER(&settings, {"Output:File", "facts.ndjson"});
    assert_null(complete(&settings));
    assert_string_equal(settings.output, "facts.ndjson");
    rts_settings_finish(&settings);

    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Endpoint", "https://signals.example/x"}, {"Egress:Enabled", "false"});
    assert_null(complete(&settings));
    assert_string_equal(settings.output, "-");
    assert_false(rts_settings_wants_delivery(&settings));
    rts_settings_finish(&settings);
}

static void query_of_the_endpoint_gives_ids(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Endpoint", "https://signals.example/signals/runtime-facts/ndjson"
                                         "?callgraphId=cg%2F1&component=web&version=1.0.0&x=y"});
    assert_null(complete(&settings));
    assert_string_equal(settings.ingest.callgraph_id, "cg/1");
    assert_string_equal(settings.ingest.component, "web");
    assert_string_equal(settings.ingest.component_version, "1.0.0");
    assert_int_equal(rts_settings_check_metadata(&settings, NULL), 0);
    rts_settings_finish(&settings);

    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Endpoint", "https://signals.example/?callgraphId=a%0D%0AB:+c"});
    assert_non_null(complete(&settings));
    rts_settings_finish(&settings);
}

static void endpoints_that_will_not_do(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "signals.example/x",
        "ftp://signals.example/x",
        "https://user:hush@signals.example/x",
        "http://signals.example/x",
        "https://",
        "https://signals.example/a b",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rts_settings settings;
        rts_settings_init(&settings);
        LAYER(&settings, {"Ingest:Endpoint", wrong[i]});
        const char *said = complete(&settings);
        if (!said || strstr(said, "hush"))
            fail_msg("%s: %s", wrong[i], said ? said : "(taken)");
        rts_settings_finish(&settings);
    }
}

static void what_only_makes_sense_together(void **state)
{
    (void)state;
    struct rts_settings settings;
    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Key", "key.pem"});
    assert_non_null(complete(&settings));
    LAYER(&settings, {"Ingest:Cert", "cert.pem"});
    assert_null(complete(&settings));
    LAYER(&settings, {"Ingest:TokenFile", "token"},
          {"Ingest:Headers", "authorization: Basic hush"});
    assert_non_null(complete(&settings));
    rts_settings_finish(&settings);

    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:Component", "web"});
    assert_non_null(complete(&settings));
    LAYER(&settings, {"Ingest:ComponentVersion", "1"});
    assert_null(complete(&settings));
    rts_settings_finish(&settings);
}

/* In the words that the server would answer with. */
static void metadata_is_asked_for_before_anything_is_sent(void **state)
{
    (void)state;
    struct rts_settings settings;
    struct rts_error error;
    rts_settings_init(&settings);
    assert_int_equal(rts_settings_check_metadata(&settings, &error), -1);
    assert_int_equal(error.failure, RTS_USAGE);
    assert_non_null(strstr(error.text, "callgraphId is required"));
    LAYER(&settings, {"Ingest:CallgraphId", "cg"}, {"Ingest:Source", "s"});
    assert_int_equal(rts_settings_check_metadata(&settings, &error), -1);
    assert_non_null(
        strstr(error.text, "Subject must include scanId/imageDigest/component+version"));
    LAYER(&settings, {"Ingest:ImageDigest", "sha256:00"});
    assert_int_equal(rts_settings_check_metadata(&settings, &error), 0);
    rts_settings_finish(&settings);

    rts_settings_init(&settings);
    LAYER(&settings, {"Ingest:CallgraphId", "cg"}, {"Ingest:ScanId", "s"});
    assert_int_equal(rts_settings_check_metadata(&settings, &error), 0);
    rts_settings_finish(&settings);
}

/* Each shared option is known to getopt, and sets something. */
static void shared_options_are_settings(void **state)
{
    (void)state;
    static const struct option own[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct option *options = rts_settings_long_options(own);
    struct rts_settings settings;
    size_t count = 0;
    assert_string_equal(options[0].name, "help");
    for (size_t i = 1; options[i].name; i++, count++) {
        struct rts_error error;
        char before[RTS_SHA256_HEX_SIZE], after[RTS_SHA256_HEX_SIZE];
        rts_settings_init(&settings);
        rts_settings_sha256(&settings, before);
        assert_int_equal(options[i].has_arg, required_argument);
        assert_int_equal(rts_settings_apply_option(&settings, options[i].val, "X-A: b", &error), 0);
        rts_settings_sha256(&settings, after);
        assert_true(strcmp(before, after) != 0 || settings.ingest.cacert || settings.ingest.cert ||
                    settings.ingest.key || settings.ingest.token_file || settings.spool.directory);
        rts_settings_finish(&settings);
    }
    assert_int_equal(count, 14);
    assert_int_equal(rts_settings_apply_option(&settings, '?', NULL, NULL), -1);
    assert_int_equal(rts_settings_apply_option(&settings, RTS_OPTION_FIRST + 14, "", NULL), -1);
    free(options);
}

static void first_look_finds_the_file(void **state)
{
    (void)state;
    static const struct option own[] = {{"config", required_argument, NULL, 'c'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
    char program[] = "rtsample", wrong[] = "--wrong", config[] = "--config=a.json", c[] = "-c",
         b[] = "b.json", dashes[] = "--", help[] = "-h";
    char *argv[] = {program, wrong, config, c, b, dashes, help, NULL};
    struct rts_first_look look;
    rts_settings_look_ahead(7, argv, "+c:h", own, &look);
    assert_string_equal(look.config, "b.json");
    assert_false(look.help);
    assert_int_equal(optind, 0);
    assert_int_equal(opterr, 1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_give_ids_of_their_layer),
        cmocka_unit_test(output_is_stdout_unless_delivered),
        cmocka_unit_test(query_of_the_endpoint_gives_ids),
        cmocka_unit_test(endpoints_that_will_not_do),
        cmocka_unit_test(what_only_makes_sense_together),
        cmocka_unit_test(metadata_is_asked_for_before_anything_is_sent),
        cmocka_unit_test(shared_options_are_settings),
        cmocka_unit_test(first_look_finds_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
