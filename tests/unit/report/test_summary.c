/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "../suite.h"
#include "report/summary.h"

static void assert_formats(const struct rts_summary *summary, const char *expected)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_summary_format(summary, &out);
    assert_string_equal(out.data, expected);
    rts_buffer_finish(&out);
}

static void a_run_without_anything_is_one_line(void **state)
{
    (void)state;
    const struct rts_account account = {0};
    assert_formats(&(struct rts_summary){.account = &account, .duration_ms = 2000, .output = "-"},
                   "  samples            0  in 2.0 s\n");
}

static void a_clean_run_is_short(void **state)
{
    (void)state;
    const struct rts_account account = {
        .samples_kept = 4950,
        .processes = 1,
        .stops[RTS_STOP_COMPLETE] = 4950,
        .events_emitted = 1,
        .hits = 1,
    };
    const struct rts_summary_function functions[] = {{"idle", "x", 0, 0}, {"main", NULL, 4949, 99}};
    assert_formats(
        &(struct rts_summary){
            .account = &account,
            .duration_ms = 300000,
            .output = "-",
            .functions = functions,
            .function_count = 2,
        },
        "  samples        4,950  in 5:00, of 1 process\n"
        "  stacks         4,950  100.0 % complete\n"
        "  facts              1  lines, 1 hit, in stdout\n"
        "\n"
        "  Hottest functions: share of samples in it, and with it on the stack\n"
        "      2.0 %    99.9 %  main\n");
}

static void everything_that_went_wrong_is_said(void **state)
{
    (void)state;
    const struct rts_account account = {
        .samples_kept = 1000,
        .processes = 1234,
        .dropped = {[RTS_DROP_RATE_LIMIT] = 3, [RTS_DROP_KERNEL_LOST] = 1200},
        .stops = {[RTS_STOP_COMPLETE] = 950, [RTS_STOP_NO_CFI] = 20, [RTS_STOP_STACK_SHORT] = 30},
        .no_user_side = 10,
        .own = 2,
        .other = 3,
        .unseen_processes = 700,
        .unseen_threads = 8,
        .malformed_side_band = 8,
        .unnamed_anonymous = 50,
        .unnamed_no_file = 4,
        .unnamed_no_symbol = 5,
        .events_emitted = 2345678,
        .hits = 9876543,
        .hits_with_purl = 4938272,
        .hits_nameless = 4050000,
        .undelivered_events = 77,
    };
    struct rts_nameless_package packages[] = {{(char *)"libxml2-dbgsym", 4000000},
                                              {(char *)"libc6-dbg", 49000},
                                              {(char *)"a", 2},
                                              {(char *)"b", 1}};
    assert_formats(
        &(struct rts_summary){.account = &account,
                              .nameless = &(struct rts_nameless){packages, 4},
                              .duration_ms = 4000000,
                              .frequency = 99,
                              .output = "/tmp/facts.ndjson"},
        "  samples        1,000  in 1:06:40, of 1,234 processes\n"
        "  dropped        1,203  of 2,203 taken: kernel lost 1,200, rate limit 3\n"
        "  stacks           950  95.0 % complete; the others: stack short 30, no cfi 20\n"
        "  apart             15  not of the target: kernel threads, idle, out of sight 10, "
        "other processes 3, rtsample itself 2\n"
        "  unseen           708  ended without a sample, with less CPU time than a period "
        "(10.1 ms): processes 700, threads 8\n"
        "  damaged            8  records, not samples, of processes and mappings, which may be "
        "missing\n"
        "  unnamed           59  frames gave no fact: in generated code 50, "
        "without a symbol 5, in unreadable files 4\n"
        "  facts      2,345,678  lines, 9,876,543 hits, in /tmp/facts.ndjson\n"
        "  lost              77  of these lines could not be written\n"
        "  packages   4,938,272  50.0 % of hits are of a package that is known\n"
        "  nameless   4,050,000  41.0 % of hits are of functions without a name; debug symbols "
        "would "
        "name them: libxml2-dbgsym 4,000,000, libc6-dbg 49,000, a 2\n");
}

/* A reason that stands alone does not repeat the number in front of it. */
static void a_single_reason_is_not_counted_twice(void **state)
{
    (void)state;
    const struct rts_account account = {
        .samples_kept = 10,
        .dropped[RTS_DROP_THROTTLED] = 5,
        .stops = {[RTS_STOP_COMPLETE] = 8, [RTS_STOP_NO_FILE] = 2},
        .no_user_side = 7,
    };
    assert_formats(
        &(struct rts_summary){.account = &account, .duration_ms = 500, .output = "-"},
        "  samples           10  in 0.5 s\n"
        "  dropped            5  of 15 taken: throttled\n"
        "  stacks             8  80.0 % complete; the others: no file 2\n"
        "  apart              7  not of the target: kernel threads, idle, out of sight\n");
}

/* The ten hottest of many, in order, whatever order they come in. */
static void the_hottest_ten_are_listed(void **state)
{
    (void)state;
    static char names[200][8];
    struct rts_summary_function functions[200];
    for (unsigned i = 0; i < 200; i++) {
        unsigned hits = i * 77 % 200; /* a permutation */
        snprintf(names[i], sizeof names[i], "f%03u", hits);
        functions[i] = (struct rts_summary_function){names[i], "lib", 200 - hits / 2, hits};
    }
    const struct rts_account account = {.samples_kept = 200};
    const struct rts_summary summary = {
        .account = &account,
        .output = "-",
        .functions = functions,
        .function_count = 200,
    };
    struct rts_buffer out = RTS_BUFFER_INIT, expected = RTS_BUFFER_INIT;
    rts_summary_format(&summary, &out);
    for (unsigned hits = 199; hits >= 190; hits--)
        rts_buffer_format(&expected, "     %2u.%u %%    %2u.%u %%  f%u  [lib]\n", hits / 2,
                          hits % 2 * 5, (200 - hits / 2) / 2, (200 - hits / 2) % 2 * 5, hits);
    const char *list = strstr(out.data, "on the stack\n");
    assert_non_null(list);
    assert_string_equal(list + strlen("on the stack\n"), expected.data);
    rts_buffer_finish(&out);
    rts_buffer_finish(&expected);
}

static const char *name_line(const char *name, struct rts_buffer *out)
{
    const struct rts_summary_function function = {name, NULL, 1, 0};
    const struct rts_account account = {.samples_kept = 1};
    rts_buffer_clear(out);
    rts_summary_format(
        &(struct rts_summary){
            .account = &account, .output = "-", .functions = &function, .function_count = 1},
        out);
    return strstr(out->data, "100.0 %  ") + strlen("100.0 %  ");
}

/* The index of packages may be one of the target's own root. */
static void names_of_packages_are_made_safe(void **state)
{
    (void)state;
    struct rts_nameless nameless = {0};
    rts_nameless_add(&nameless, "a\x1b[2J\n\xe2\x80\xae", 3);
    const struct rts_account account = {.hits = 9, .hits_nameless = 3};
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_summary_format(
        &(struct rts_summary){.account = &account, .nameless = &nameless, .output = "\x9b/out"},
        &out);
    assert_non_null(strstr(out.data, "would name them: a\\x1b[2J\\n\\u202e 3\n"));
    rts_nameless_finish(&nameless);
    rts_buffer_finish(&out);
}

static void names_are_made_safe_and_short(void **state)
{
    (void)state;
    struct rts_buffer out = RTS_BUFFER_INIT;
    assert_string_equal(name_line("a\x1b[2Jb\nc\x7f\xc2\x9b", &out),
                        "a\\x1b[2Jb\\nc\\x7f\\u009b\n");
    assert_string_equal(name_line("na\xc3\xafve", &out), "na\xc3\xafve\n");
    assert_string_equal(name_line("\xc2", &out), "\\xc2\n"); /* cut in the middle: no overrun */
    char name[100];
    memset(name, 'x', 72);
    name[72] = '\0';
    assert_int_equal(strlen(name_line(name, &out)), 72 + 1);
    strcpy(name + 72, "y");
    const char *cut = name_line(name, &out);
    assert_int_equal(strlen(cut), 72 + 1);
    assert_string_equal(cut + 68, "x...\n");
    /* Characters count, not bytes. */
    char wide[73 * 2 + 1] = "";
    for (int i = 0; i < 73; i++)
        strcat(wide, "\xc3\xa9");
    cut = name_line(wide, &out);
    assert_int_equal(strlen(cut), 69 * 2 + 3 + 1);
    rts_buffer_finish(&out);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_without_anything_is_one_line),
        cmocka_unit_test(a_clean_run_is_short),
        cmocka_unit_test(everything_that_went_wrong_is_said),
        cmocka_unit_test(a_single_reason_is_not_counted_twice),
        cmocka_unit_test(the_hottest_ten_are_listed),
        cmocka_unit_test(names_are_made_safe_and_short),
        cmocka_unit_test(names_of_packages_are_made_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
