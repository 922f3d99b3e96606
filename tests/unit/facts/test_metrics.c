/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>

#include "facts/metrics.h"

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
        .hits = 16,
        .batches = 17,
        .undelivered_events = 18,
        .unnamed_anonymous = 19,
        .unnamed_no_file = 20,
        .unnamed_no_symbol = 21,
        .unnamed_changed = 121,
        .kernel_side = 22,
        .lost_records = 23,
        .malformed_side_band = 29,
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

static const struct rts_metrics_facts whole_run = {
    .version = "1.2.3",
    .duration_ms = 61007,
    .cpu_ms = 4050,
    .rss_kib = 5000,
    .peak_rss_kib = 6000,
    .frequency = 99,
};

static char *written(const struct rts_account *account)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct rts_metrics_facts facts = whole_run;
    struct rts_memory_owners owners = {.count = 0};
    rts_memory_owners_add(&owners,
                          &(struct rts_memory_owner){
                              .digest = "0a1b2c3d",
                              .evictions = {[RTS_MEMORY_OBJECTS] = 700, [RTS_MEMORY_SYMBOLS] = 1},
                          });
    facts.memory_owners = &owners;
    rts_metrics_write(account, &facts, &out);
    return out.data;
}

/* The value of a series, as text; NULL when there is none of exactly this name and labels. */
static const char *value_of(const char *text, const char *series, char value[64])
{
    size_t length = strlen(series);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, series, length) == 0 && line[length] == ' ') {
            snprintf(value, 64, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
            return value;
        }
    }
    return NULL;
}

static void assert_value(const char *text, const char *series, const char *expected)
{
    char value[64];
    if (!value_of(text, series, value))
        fail_msg("there is no series %s in\n%s", series, text);
    if (strcmp(value, expected) != 0)
        fail_msg("%s is %s, not %s", series, value, expected);
}

static void every_number_is_in_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *series, *value;
    } known[] = {
        {"rtsample_samples_taken_total", "1615"},
        {"rtsample_samples_kept_total", "1000"},
        {"rtsample_samples_kernel_side_total", "22"},
        {"rtsample_processes_seen_total", "18446744073709551615"},
        {"rtsample_kernel_lost_records_total", "23"},
        {"rtsample_malformed_side_band_total", "29"},
        {"rtsample_samples_ignored_total{of=\"no_user\"}", "11"},
        {"rtsample_samples_ignored_total{of=\"own\"}", "12"},
        {"rtsample_samples_ignored_total{of=\"other\"}", "13"},
        {"rtsample_frames_symbolized_total", "14"},
        {"rtsample_frames_unnamed_total{cause=\"anonymous\"}", "19"},
        {"rtsample_frames_unnamed_total{cause=\"no_file\"}", "20"},
        {"rtsample_frames_unnamed_total{cause=\"no_symbol\"}", "21"},
        {"rtsample_frames_unnamed_total{cause=\"changed\"}", "121"},
        {"rtsample_events_emitted_total", "15"},
        {"rtsample_memory_owner_evictions_total{owner=\"0a1b2c3d\"}", "701"},
        {"rtsample_event_hits_total", "16"},
        {"rtsample_batches_total", "17"},
        {"rtsample_events_unwritten_total", "18"},
        {"rtsample_delivery_accepted_total", "24"},
        {"rtsample_delivery_spooled", "25"},
        {"rtsample_delivery_rejected_total", "26"},
        {"rtsample_delivery_dropped_total", "27"},
        {"rtsample_delivery_retries_total", "28"},
        {"rtsample_self_cpu_seconds_total", "4.050"},
        {"rtsample_self_resident_memory_bytes", "5120000"},
        {"rtsample_self_resident_memory_peak_bytes", "6144000"},
        {"rtsample_sampling_frequency_hertz", "99"},
        {"rtsample_run_duration_seconds", "61.007"},
        {"rtsample_build_info{version=\"1.2.3\"}", "1"},
    };
    struct rts_account account = counted();
    char *text = written(&account);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_value(text, known[i].series, known[i].value);
    free(text);
}

static void assert_words(const char *text, const char *name, const char *label,
                         const char *(*word)(unsigned), unsigned count, unsigned first)
{
    for (unsigned i = 0; i < count; i++) {
        char series[128], value[16];
        snprintf(series, sizeof series, "rtsample_%s{%s=\"%s\"}", name, label, word(i));
        snprintf(value, sizeof value, "%u", first + i);
        assert_value(text, series, value);
    }
}

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

/* Each reason is a series, and also when nothing was ever counted for it. */
static void every_reason_is_a_series(void **state)
{
    (void)state;
    struct rts_account account = counted();
    char *text = written(&account);
    assert_words(text, "sampler_dropped_total", "reason", drop_word, RTS_DROP_COUNT, 100);
    assert_words(text, "stacks_total", "end", stop_word, RTS_STOP_COUNT, 200);
    assert_words(text, "frames_total", "unwinder", unwinder_word, RTS_UNWINDER_COUNT, 300);
    assert_value(text, "rtsample_sampler_dropped_total{reason=\"rate_limit\"}", "100");
    free(text);
    account = (struct rts_account){0};
    text = written(&account);
    assert_value(text, "rtsample_sampler_dropped_total{reason=\"cpu_guard\"}", "0");
    free(text);
}

/* python reads the format by its own rules: HELP and TYPE once and first, no series twice, counters
 * end in _total and nothing else does, values are numbers. */
static void agrees_with_the_format(void **state)
{
    (void)state;
    ORACLE_NEEDS("python3");
    /* A comma as decimal point would make it invalid, where such a locale is installed. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    struct rts_account account = counted();
    char *text = written(&account);
    setlocale(LC_ALL, "C");
    char *file = oracle_file(text, strlen(text));
    char *answer =
        oracle_ask("python3 -c \"\n"
                   "import re\n"
                   "kind, helped, series, name = {}, set(), set(), None\n"
                   "text = open('%s').read()\n"
                   "assert text.endswith(chr(10))\n"
                   "for line in text.splitlines():\n"
                   "    m = re.fullmatch(r'# HELP ([a-z_]+) (\\S.*\\.)', line)\n"
                   "    if m:\n"
                   "        assert m[1] not in helped, line\n"
                   "        helped.add(m[1]); name = m[1]; continue\n"
                   "    m = re.fullmatch(r'# TYPE ([a-z_]+) (counter|gauge)', line)\n"
                   "    if m:\n"
                   "        assert m[1] == name and m[1] not in kind, line\n"
                   "        assert (m[2] == 'counter') == m[1].endswith('_total'), line\n"
                   "        kind[m[1]] = m[2]; continue\n"
                   "    m = re.fullmatch(r'((rtsample_[a-z_]+)(\\{[a-z]+=.[a-z0-9_.]+.\\})?) "
                   "([0-9.]+)', line)\n"
                   "    assert m and m[2] == name and m[1] not in series, line\n"
                   "    series.add(m[1]); float(m[4])\n"
                   "assert helped == set(kind)\n"
                   "print(len(series) > 50)\n\"",
                   file);
    assert_string_equal(answer, "True");
    free(answer);
    free(text);
    oracle_file_done(file);
}

static void promtool_has_nothing_to_say(void **state)
{
    (void)state;
    ORACLE_NEEDS("promtool");
    struct rts_account account = counted();
    char *text = written(&account);
    char *file = oracle_file(text, strlen(text));
    char *answer = oracle_ask("promtool check metrics <%s 2>&1", file);
    assert_string_equal(answer, "");
    free(answer);
    free(text);
    oracle_file_done(file);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_in_its_place),
        cmocka_unit_test(every_reason_is_a_series),
        cmocka_unit_test(agrees_with_the_format),
        cmocka_unit_test(promtool_has_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
