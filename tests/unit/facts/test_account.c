/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>

#include "facts/account.h"

#include "../oracle.h"
#include "../suite.h"

/* Every counter another number, so that none can stand in for another. */
static struct rts_account counted(void)
{
    struct rts_account account = {
        .samples_kept = 1000,
        .no_user_side = 11,
        .own = 12,
        .other = 13,
        .frames_symbolized = 14,
        .events_emitted = 15,
        .events_with_purl = 9,
        .hits_with_purl = 70,
        .databases_unreadable = 72,
        .databases_late = 74,
        .objects_put_off = 73,
        .hits = 16,
        .batches = 17,
        .undelivered_events = 18,
        .hits_nameless = 19,
        .unnamed_anonymous = 19,
        .unnamed_no_file = 20,
        .unnamed_no_symbol = 21,
        .unnamed_changed = 121,
        .copied_same = 61,
        .copied_different = 62,
        .kernel_side = 22,
        .unwatched = 24,
        .lost_records = 23,
        .malformed_side_band = 29,
        .unseen_processes = 71,
        .unseen_threads = 72,
        .processes = UINT64_MAX,
        .delivery = {.accepted = 24, .spooled = 25, .rejected = 26, .dropped = 27, .retries = 28},
    };
    for (unsigned i = 0; i < RTS_DROP_COUNT; i++)
        account.dropped[i] = 100 + i;
    for (unsigned i = 0; i < RTS_STOP_COUNT; i++)
        account.stops[i] = 200 + i;
    for (unsigned i = 0; i < RTS_UNWINDER_COUNT; i++)
        account.frames_by_unwinder[i] = 300 + i;
    return account;
}

static const char *const gave_up[] = {"build_id", "kernel \"side\"", NULL};

static const struct rts_guard_facts guard = {
    .ratio = 3, .max_events_per_second = 250, .max_cpu_percent = 12};

static char libc_module[] = "libc.so.6";

static struct rts_opinion_binary binaries[] = {
    {.serial = 1,
     .module = libc_module,
     .build_id = {2, {0x0a, 0x0b}},
     .alike = 90,
     .differ = {[RTS_DIFFERENCE_CALLER] = 5, [RTS_DIFFERENCE_ROOT] = 6}},
};

static const struct rts_opinions opinions = {
    .checked = 10,
    .differ = {[RTS_DIFFERENCE_NONE] = 4,
               [RTS_DIFFERENCE_CALLER] = 3,
               [RTS_DIFFERENCE_RULES_END] = 2,
               [RTS_DIFFERENCE_LIBUNWIND_ENDS] = 1},
    .binaries = binaries,
    .count = 1,
};

static const struct rts_selftest_facts selftest = {
    .rounds = 2,
    .cpu_ms = 180,
    .forms = {[RTS_FORM_RECURSIVE] = {.samples = 1},
              [RTS_FORM_SIGNAL] = {.samples = 2},
              [RTS_FORM_ALTERNATE_STACK] = {.samples = 3},
              [RTS_FORM_NO_FRAME_POINTER] = {.samples = 4},
              [RTS_FORM_VDSO] = {.samples = 5, .failed = {[RTS_SELFTEST_LIBUNWIND] = 7}},
              [RTS_FORM_LINKAGE] = {.samples = 6},
              [RTS_FORM_NORETURN] = {.samples = 7},
              [RTS_FORM_TAIL_CALL] = {.samples = 8}},
};

static const struct rts_run_facts whole_run = {
    .unwinder = "both",
    .opinions = &opinions,
    .selftest = &selftest,
    .method = "perf:cpu-clock",
    .duration_ms = 30000,
    .config_sha256 = "abcd",
    .has_command = true,
    .command_status = 143,
    .frequency = 99,
    .guard = &guard,
    .gave_up = gave_up,
    .rung = "ptrace",
    .refused = "perf_process:seccomp,perf_user:other_user",
    .cpu_ms = 31,
    .peak_rss_kib = 32,
    .max_cpu_percent = 12.34,
    .recorded_bytes = 33,
    .recorded_samples = 34,
    .unrecorded_samples = 35,
    .stopped = {.count = 4,
                .total_ns = 50400,
                .longest_ns = 39999,
                .too_long = 2,
                .refused = 1,
                .given_up = 6,
                .put_off = 7,
                .samples = 3,
                .due = 5,
                .used_ns = 1250000000},
};

static char *written(const struct rts_account *account, const struct rts_run_facts *run)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_account_write(account, run, &out);
    return out.data;
}

static void taken_is_kept_and_dropped(void **state)
{
    (void)state;
    struct rts_account account = counted();
    assert_int_equal(rts_account_taken(&account), 1000 + 100 + 101 + 102 + 103 + 104 + 105);
}

static void each_line_has_one_place(void **state)
{
    (void)state;
    struct rts_account account = counted();
    assert_int_equal(rts_account_delivered(&account), 24 + 25 + 26 + 27);
}

/* python reads the text and prints it with its own hands; equal bytes mean valid JSON, in this
 * order, with these numbers. */
static void agrees_with_python(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    struct rts_account account = counted();
    char *text = written(&account, &whole_run);
    char *file = oracle_file(text, strlen(text));
    char *copy = oracle_ask("python3 -c \"import json\n"
                            "t=open('%s').read(); assert t.count('\\n')==1\n"
                            "print(json.dumps(json.loads(t),separators=(',',':')))\"",
                            file);
    assert_int_equal(text[strlen(text) - 1], '\n');
    text[strlen(text) - 1] = '\0';
    assert_string_equal(copy, text);
    free(copy);
    free(text);
    oracle_file_done(file);
}

typedef const char *(*word)(unsigned);

static const char *drop_word(unsigned i)
{
    return rts_drop_name(i);
}

static const char *stop_word(unsigned i)
{
    return rts_stop_name(i);
}

static const char *unwinder_word(unsigned i)
{
    return rts_unwinder_name(i);
}

static const char *memory_word(unsigned i)
{
    return rts_memory_name(i);
}

/* {"word":number,...} for the words from `first` on; counted() numbers them from `base`. */
static void expect_words(struct rts_buffer *expected, word name, unsigned first, unsigned count,
                         unsigned base)
{
    for (unsigned i = first; i < count; i++)
        rts_buffer_format(expected, "%c\"%s\":%u", i == first ? '{' : ',', name(i), base + i);
    rts_buffer_text(expected, "}");
}

static void every_number_is_in_its_place(void **state)
{
    (void)state;
    struct rts_buffer expected = RTS_BUFFER_INIT;
    rts_buffer_text(&expected, "{\"version\":1,\"method\":\"perf:cpu-clock\",\"duration_ms\":30000,"
                               "\"config_sha256\":\"abcd\","
                               "\"samples\":{\"taken\":1615,\"kept\":1000,\"dropped\":");
    expect_words(&expected, drop_word, 0, RTS_DROP_COUNT, 100);
    rts_buffer_text(&expected,
                    ",\"no_user\":11,\"own\":12,\"other\":13,\"kernel_side\":22,"
                    "\"processes\":18446744073709551615,\"unwatched\":24,\"lost_records\":23,"
                    "\"malformed_side_band\":29,"
                    "\"unseen_processes\":71,\"unseen_threads\":72},"
                    "\"stacks\":{\"complete\":200,\"truncated\":");
    expect_words(&expected, stop_word, 1, RTS_STOP_COUNT, 200);
    rts_buffer_text(&expected, "},\"frames\":{\"total\":903,\"symbolized\":14,\"by_unwinder\":");
    expect_words(&expected, unwinder_word, 0, RTS_UNWINDER_COUNT, 300);
    rts_buffer_text(
        &expected, ",\"unnamed\":{\"anonymous\":19,\"no_file\":20,\"no_symbol\":21,\"changed\":121}"
                   ",\"copied\":{\"same\":61,\"different\":62}},"
                   "\"unwinding\":{\"unwinder\":\"both\",\"checked\":10,\"alike\":4,"
                   "\"differ\":{\"caller\":3,\"rules_end\":2,\"libunwind_ends\":1,\"root\":0},"
                   "\"binaries\":[{\"module\":\"libc.so.6\",\"build_id\":\"0a0b\",\"alike\":90,"
                   "\"differ\":{\"caller\":5,\"rules_end\":0,\"libunwind_ends\":0,\"root\":6}}]},"
                   "\"selftest\":{\"rounds\":2,\"cpu_ms\":180,\"failed\":1,\"forms\":{");
    for (unsigned i = 0; i < RTS_FORM_COUNT; i++)
        rts_buffer_format(&expected,
                          "%s\"%s\":{\"samples\":%u,\"rules_failed\":0,\"libunwind_failed\":%u}",
                          i ? "," : "", rts_form_name(i), i, i == RTS_FORM_VDSO ? 7 : 0);
    rts_buffer_text(&expected,
                    "}},"
                    "\"events\":{\"emitted\":15,\"hits\":16,\"batches\":17,\"unwritten\":18,"
                    "\"hits_nameless\":19},"
                    "\"packages\":{\"with_purl\":9,\"without_purl\":6,\"hits_with_purl\":70},"
                    "\"delivery\":{\"accepted\":24,\"spooled\":25,\"rejected\":26,\"dropped\":27,"
                    "\"retries\":28},"
                    "\"graph\":{\"nodes\":0,\"joined_hits\":0,\"unjoined_hits\":0,\"unjoined\":{"
                    "\"file_unknown\":0,\"address_unknown\":0,\"name_differs\":0,"
                    "\"name_ambiguous\":0},\"unjoined_symbols\":[]},"
                    "\"self\":{\"cpu_ms\":31,\"peak_rss_kib\":32,\"max_cpu_percent\":12.3,"
                    "\"recorded\":{\"bytes\":33,\"samples\":34,\"unrecorded\":35},"
                    "\"packages\":{\"unreadable_databases\":72,\"late_databases\":74,"
                    "\"objects_put_off\":73},"
                    "\"ptrace\":{\"stops\":4,\"mean_stop_us\":13,\"max_stop_us\":40,"
                    "\"too_long\":2,\"refused\":1,\"given_up\":6,\"put_off\":7,\"due\":5,"
                    "\"target_cpu_ms\":1250,\"rate\":2.4}},"
                    "\"memory\":{\"limit\":6400000,\"bytes\":");
    expect_words(&expected, memory_word, 0, RTS_MEMORY_COUNT, 400);
    rts_buffer_text(&expected, ",\"peak\":");
    expect_words(&expected, memory_word, 0, RTS_MEMORY_COUNT, 500);
    rts_buffer_text(&expected, ",\"evictions\":");
    expect_words(&expected, memory_word, 0, RTS_MEMORY_COUNT, 600);
    rts_buffer_text(&expected, ",\"owners\":{\"0a1b2c3d\":{\"objects\":7,\"symbols\":1},"
                               "\"root\":{\"objects\":2}}},\"unreadable\":{\"late\":81},"
                               "\"broker\":{\"asked\":82,\"refused\":83,\"replaced\":84},"
                               "\"near\":{\"samples\":87,\"frozen\":85,\"late\":1,\"refused\":1},"
                               "\"run\":{\"frequency\":99,\"gave_up\":["
                               "\"build_id\",\"kernel \\\"side\\\"\"],"
                               "\"command_status\":143,\"rung\":\"ptrace\",\"refused\":"
                               "{\"perf_process\":\"seccomp\",\"perf_user\":\"other_user\"},"
                               "\"guard\":{\"ratio\":3,\"max_events_per_second\":250,"
                               "\"max_cpu_percent\":12}}}\n");
    struct rts_account account = counted();
    struct rts_budget memory;
    rts_budget_init(&memory, 6400000);
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++) {
        memory.shares[i].bytes = 400 + i;
        memory.shares[i].peak = 500 + i;
        memory.shares[i].evictions = 600 + i;
    }
    struct rts_run_facts run = whole_run;
    struct rts_memory_owners owners = {.count = 0};
    rts_memory_owners_add(&owners, &(struct rts_memory_owner){
                                       .digest = "root",
                                       .evictions = {[RTS_MEMORY_OBJECTS] = 2},
                                   });
    rts_memory_owners_add(&owners,
                          &(struct rts_memory_owner){
                              .digest = "0a1b2c3d",
                              .evictions = {[RTS_MEMORY_OBJECTS] = 7, [RTS_MEMORY_SYMBOLS] = 1},
                          });
    run.memory = &memory;
    run.memory_owners = &owners;
    run.looking = (struct rts_looking){.asked = 82, .late = 81, .refused = 83, .replaced = 84};
    run.near = (struct rts_near_facts){.samples = 87, .frozen = 85, .late = 1, .refused = 1};
    char *text = written(&account, &run);
    assert_string_equal(text, expected.data);
    free(text);
    rts_buffer_finish(&expected);
}

static void nothing_is_zeros(void **state)
{
    (void)state;
    ORACLE_NEEDS("jq");
    const struct rts_account account = {0};
    const struct rts_run_facts run = {0};
    char *text = written(&account, &run);
    char *file = oracle_file(text, strlen(text));
    char *answer = oracle_ask("jq -c '[.version, ([.. | numbers] | add), .run.gave_up, "
                              ".run.command_status, has(\"method\"), has(\"config_sha256\"), "
                              "(.samples.dropped | length), (.stacks.truncated | length)]' %s",
                              file);
    char expected[64];
    snprintf(expected, sizeof expected, "[1,1,[],null,false,false,%d,%d]", RTS_DROP_COUNT,
             RTS_STOP_COUNT - 1);
    assert_string_equal(answer, expected);
    free(answer);
    free(text);
    oracle_file_done(file);
}

static void assert_holds(const struct rts_run_facts *run, const char *part)
{
    const struct rts_account account = {0};
    char *text = written(&account, run);
    assert_non_null(strstr(text, part));
    free(text);
}

static void a_command_that_still_runs_has_no_status(void **state)
{
    (void)state;
    assert_holds(&(struct rts_run_facts){.has_command = true, .command_status = -1},
                 "\"command_status\":null");
    assert_holds(&(struct rts_run_facts){.has_command = true, .command_status = 0},
                 "\"command_status\":0");
    assert_holds(&(struct rts_run_facts){.has_command = false, .command_status = 7},
                 "\"command_status\":null");
}

static void percent_is_always_a_number(void **state)
{
    (void)state;
    static const struct {
        double percent;
        const char *text;
    } known[] = {{0.04, ":0.0,"},   {0.05, ":0.1,"},  {99.96, ":100.0,"},
                 {-1.0, ":0.0,"},   {1e300, ":0.0,"}, {__builtin_nan(""), ":0.0,"},
                 {250.0, ":250.0,"}};
    /* A comma as decimal point would make it invalid, where such a locale is installed. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char part[64];
        snprintf(part, sizeof part, "\"max_cpu_percent\"%s", known[i].text);
        assert_holds(&(struct rts_run_facts){.max_cpu_percent = known[i].percent}, part);
    }
    setlocale(LC_ALL, "C");
}

static void throttling_lasts_a_tick_at_most(void **state)
{
    (void)state;
    struct rts_account account = {0};
    rts_account_throttled(&account, 1000000000, 1004000000, 1000);
    assert_int_equal(account.dropped[RTS_DROP_THROTTLED], 4);
    rts_account_throttled(&account, 1000000000, 999000000, 1000); /* times of two clocks */
    assert_int_equal(account.dropped[RTS_DROP_THROTTLED], 4);
    rts_account_throttled(&account, 1000000000, 3600000000000, 1000); /* it slept for an hour */
    assert_int_equal(account.dropped[RTS_DROP_THROTTLED], 14);
}

/* The ten hottest, by hits, then by name, then by file, whatever the order they come in. */
static void the_hottest_unjoined_are_listed(void **state)
{
    (void)state;
    struct rts_run_facts run = {0};
    static const char *const names[] = {"k", "c", "a", "e", "b", "d", "g", "f", "i", "j", "h", "l"};
    for (size_t i = 0; i < 12; i++) {
        struct rts_unjoined symbol = {.symbol = names[i],
                                      .build_id = "x",
                                      .hits = (uint64_t)(100 - (names[i][0] - 'a') / 2),
                                      .reason = RTS_JOIN_FILE_UNKNOWN};
        rts_run_facts_add_unjoined(&run, &symbol);
    }
    assert_int_equal(run.unjoined_count, RTS_UNJOINED_MAX);
    for (size_t i = 0; i < RTS_UNJOINED_MAX; i++)
        assert_int_equal(run.unjoined[i].symbol[0], 'a' + i);
    struct rts_account account = {.graph_nodes = 7};
    account.joins[RTS_JOIN_JOINED] = 3;
    account.joins[RTS_JOIN_FILE_UNKNOWN] = 2;
    account.joins[RTS_JOIN_NAME_DIFFERS] = 1;
    run.unjoined_count = 1;
    char *text = written(&account, &run);
    assert_non_null(strstr(text, "\"graph\":{\"nodes\":7,\"joined_hits\":3,\"unjoined_hits\":3,"
                                 "\"unjoined\":{\"file_unknown\":2,\"address_unknown\":0,"
                                 "\"name_differs\":1,\"name_ambiguous\":0},"
                                 "\"unjoined_symbols\":[{\"symbol\":\"a\",\"buildId\":\"x\","
                                 "\"hits\":100,\"reason\":\"file_unknown\"}]}"));
    free(text);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_is_kept_and_dropped),
        cmocka_unit_test(each_line_has_one_place),
        cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(every_number_is_in_its_place),
        cmocka_unit_test(nothing_is_zeros),
        cmocka_unit_test(a_command_that_still_runs_has_no_status),
        cmocka_unit_test(percent_is_always_a_number),
        cmocka_unit_test(the_hottest_unjoined_are_listed),
        cmocka_unit_test(throttling_lasts_a_tick_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
