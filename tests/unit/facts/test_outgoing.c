/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "../suite.h"
#include "facts/window.h"
#include "settings/settings_keys.h"

static const struct rts_fact_options everything = {
    .emit_process = true,
    .emit_socket = true,
    .emit_loader_base = true,
    .emit_build_id = true,
    .emit_evidence = true,
    .evidence = "cas://somewhere",
};

/* A line of all that has a name or a number in the table, and of what is not in it. */
static json_t *write_all(const struct rts_fact_options *options)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_outgoing line;
    rts_outgoing_begin(&line, &out, options);
    for (int field = -2; field < RTS_FIELD_COUNT + 64; field++)
        rts_outgoing_text(&line, (enum rts_fact_field)field, "x");
    rts_outgoing_end(&line);
    assert_int_equal(out.data[out.size - 1], '\n');
    json_error_t error;
    json_t *fact = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(fact);
    rts_buffer_finish(&out);
    return fact;
}

static size_t count_keys(const json_t *fact)
{
    const json_t *metadata = json_object_get(fact, "metadata");
    return json_object_size(fact) - (metadata != NULL) + json_object_size(metadata);
}

static const json_t *find(const json_t *fact, const struct rts_outgoing_field *row)
{
    return json_object_get(row->in_metadata ? json_object_get(fact, "metadata") : fact, row->name);
}

/* Under these options: each key of the table that may leave does, and no other key. */
static void assert_leaves_as_said(const struct rts_fact_options *options)
{
    json_t *fact = write_all(options);
    size_t leaving = 0;
    for (int field = 0; field < RTS_FIELD_COUNT; field++) {
        const struct rts_outgoing_field *row = rts_outgoing_field((enum rts_fact_field)field);
        assert_non_null(row);
        bool may = row->release == RTS_RELEASE_ALWAYS;
        if (row->release == RTS_RELEASE_IF_SET)
            may = *(const bool *)((const char *)options + row->option);
        assert_int_equal(find(fact, row) != NULL, may);
        leaving += may;
    }
    assert_int_equal(count_keys(fact), leaving);
    json_decref(fact);
}

static void what_is_not_in_the_table_has_no_way_out(void **state)
{
    (void)state;
    const struct rts_fact_options each[] = {
        {0},
        {.emit_process = true},
        {.emit_socket = true},
        {.emit_loader_base = true},
        {.emit_build_id = true},
        {.emit_evidence = true},
        everything,
    };
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        assert_leaves_as_said(&each[i]);
    assert_null(rts_outgoing_field(RTS_FIELD_COUNT));
    assert_null(rts_outgoing_field((enum rts_fact_field) - 1));
    assert_false(rts_outgoing_may_leave(RTS_FIELD_COUNT, &everything));
}

static void what_comes_twice_or_late_is_left_out(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_outgoing line;
    rts_outgoing_begin(&line, &out, &everything);
    rts_outgoing_number(&line, RTS_FIELD_HIT_COUNT, 3);
    rts_outgoing_number(&line, RTS_FIELD_HIT_COUNT, 4);
    rts_outgoing_text(&line, RTS_FIELD_SYMBOL_ID, "late");
    rts_outgoing_number(&line, RTS_FIELD_LEAF_HITS, 2);
    rts_outgoing_number(&line, RTS_FIELD_PID, 214);
    rts_outgoing_text(&line, RTS_FIELD_SYMBOL, NULL);
    rts_outgoing_end(&line);
    rts_buffer_append(&out, "", 1);
    assert_string_equal(out.data, "{\"hitCount\":3,\"metadata\":{\"leafHits\":\"2\"}}\n");
    rts_buffer_finish(&out);
}

/* A window with a value for everything there is writes no key but those of the table. */
static void a_window_writes_through_the_gate(void **state)
{
    (void)state;
    const struct rts_fact_process process = {1, 214, "n", "c", "docker", "0.0.0.0:80", false};
    const struct rts_fact_symbol symbol = {
        .symbol_id = "s",
        .code_id = "c",
        .build_id = "b",
        .name = "f",
        .demangled = "f()",
        .aliases = "g",
        .source = "symtab",
        .id_scheme = "union-v0.1",
        .join_rule = "build-id+name",
        .purl = "pkg:deb/debian/z@1",
        .stale_mapping = "pkg:deb/debian/z@2",
        .module = "libz.so.1",
        .file_identity = "path",
        .build_id_is_file_hash = true,
        .package_modified = true,
    };
    struct rts_window *window = rts_window_create();
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_window_add(window, &process, &symbol, 0x400000, 1, 0, true);
    rts_window_write(window, &everything, &out);
    json_t *fact = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(fact);
    size_t known = 0;
    for (int field = 0; field < RTS_FIELD_COUNT; field++) {
        const struct rts_outgoing_field *row = rts_outgoing_field((enum rts_fact_field)field);
        bool may = rts_outgoing_may_leave((enum rts_fact_field)field, &everything);
        assert_int_equal(find(fact, row) != NULL, may);
        known += may;
    }
    assert_int_equal(count_keys(fact), known);
    json_decref(fact);
    rts_buffer_finish(&out);
    rts_window_destroy(window);
}

/* The rows of the section, as the manual has to have them. */
static void print_rows(FILE *to)
{
    struct rts_settings settings;
    rts_settings_init(&settings);
    for (int field = 0; field < RTS_FIELD_COUNT; field++) {
        const struct rts_outgoing_field *row = rts_outgoing_field((enum rts_fact_field)field);
        fprintf(to, ".It Va %s%s Ta ", row->in_metadata ? "metadata." : "", row->name);
        if (row->release != RTS_RELEASE_IF_SET) {
            fprintf(to, "%s\n", row->release == RTS_RELEASE_ALWAYS ? "always" : "never");
            continue;
        }
        const struct rts_setting *setting = rts_setting_find(row->setting);
        assert_non_null(setting);
        const void *value = rts_setting_field_const(&settings, setting);
        bool is_text = setting->type == RTS_SETTING_TEXT;
        assert_true(is_text || setting->type == RTS_SETTING_BOOLEAN);
        bool on = is_text ? *(char *const *)value != NULL : *(const bool *)value;
        fprintf(to, "Va %s , %s by default\n", setting->path, on ? "on" : "off");
    }
    rts_settings_finish(&settings);
}

static void the_manual_has_the_same_table(void **state)
{
    (void)state;
    const char *top = getenv("top_srcdir");
    char path[4096], line[256], *expected, *found;
    size_t expected_size, found_size;
    if (!top)
        skip();
    snprintf(path, sizeof path, "%s/man/rtsample.1", top);
    FILE *manual = fopen(path, "r"), *rows = open_memstream(&found, &found_size);
    assert_non_null(manual);
    bool within = false;
    while (fgets(line, sizeof line, manual)) {
        if (line[0] == '.' && line[1] == 'S' && (line[2] == 's' || line[2] == 'h'))
            within = strcmp(line, ".Ss What can leave\n") == 0;
        if (within && strncmp(line, ".It Va ", 7) == 0)
            fputs(line, rows);
    }
    fclose(manual);
    fclose(rows);
    rows = open_memstream(&expected, &expected_size);
    print_rows(rows);
    fclose(rows);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_in_the_table_has_no_way_out),
        cmocka_unit_test(what_comes_twice_or_late_is_left_out),
        cmocka_unit_test(a_window_writes_through_the_gate),
        cmocka_unit_test(the_manual_has_the_same_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
