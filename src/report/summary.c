/* SPDX-License-Identifier: Apache-2.0 */
#include "report/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"
#include "util/visible.h"

/* Columns of a function's name; demangled names can be pages long. */
#define NAME_COLUMNS 72

/* Of the place where the facts went, which people may want to copy: no path is longer. */
#define OUTPUT_COLUMNS 4096

/* More reasons than any list here has. */
#define REASONS_MAX 24

/* A number and the words for it. */
struct reason {
    const char *words;
    uint64_t count;
};

struct reasons {
    struct reason items[REASONS_MAX];
    size_t count;
    uint64_t total;
};

static void add_reason(struct reasons *reasons, const char *words, uint64_t count)
{
    if (count == 0 || reasons->count == REASONS_MAX)
        return;
    reasons->items[reasons->count++] = (struct reason){words, count};
    reasons->total += count;
}

static int most_first(const void *left, const void *right)
{
    const struct reason *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->words, b->words);
}

static void append_number(struct rts_buffer *out, uint64_t number)
{
    char text[RTS_NUMBER_TEXT_SIZE];
    rts_number_format(text, number);
    rts_buffer_text(out, text);
}

static void append_percent(struct rts_buffer *out, uint64_t part, uint64_t whole)
{
    char text[RTS_NUMBER_TEXT_SIZE];
    rts_percent_format(text, part, whole);
    rts_buffer_text(out, text);
}

/* "stack short 30, no cfi 20": the words of --stats with spaces. A single reason needs no number
 * when the line begins with the total. */
static void append_reasons(struct rts_buffer *out, struct reasons *reasons, bool total_is_shown)
{
    qsort(reasons->items, reasons->count, sizeof *reasons->items, most_first);
    for (size_t i = 0; i < reasons->count; i++) {
        rts_buffer_text(out, i ? ", " : "");
        for (const char *at = reasons->items[i].words; *at; at++)
            rts_buffer_append(out, *at == '_' ? " " : at, 1);
        if (total_is_shown && reasons->count == 1)
            break;
        rts_buffer_text(out, " ");
        append_number(out, reasons->items[i].count);
    }
}

/* The left column: what the line is about, and its number. */
static void begin_line(struct rts_buffer *out, const char *label, uint64_t number)
{
    char text[RTS_NUMBER_TEXT_SIZE];
    rts_number_format(text, number);
    rts_buffer_format(out, "  %-8s %11s  ", label, text);
}

static void append_samples(const struct rts_summary *summary, struct rts_buffer *out)
{
    const struct rts_account *account = summary->account;
    char duration[RTS_NUMBER_TEXT_SIZE];
    rts_duration_format(duration, summary->duration_ms);
    begin_line(out, "samples", account->samples_kept);
    rts_buffer_format(out, "in %s", duration);
    if (account->processes > 0) {
        rts_buffer_text(out, ", of ");
        append_number(out, account->processes);
        rts_buffer_text(out, account->processes == 1 ? " process" : " processes");
    }
    rts_buffer_text(out, "\n");
}

static void append_dropped(const struct rts_account *account, struct rts_buffer *out)
{
    struct reasons reasons = {0};
    for (unsigned i = 0; i < RTS_DROP_COUNT; i++)
        add_reason(&reasons, rts_drop_name(i), account->dropped[i]);
    if (reasons.total == 0)
        return;
    begin_line(out, "dropped", reasons.total);
    rts_buffer_text(out, "of ");
    append_number(out, rts_account_taken(account));
    rts_buffer_text(out, " taken: ");
    append_reasons(out, &reasons, true);
    rts_buffer_text(out, "\n");
}

static void append_stacks(const struct rts_account *account, struct rts_buffer *out)
{
    uint64_t complete = account->stops[RTS_STOP_COMPLETE];
    struct reasons reasons = {0};
    for (unsigned i = 0; i < RTS_STOP_COUNT; i++)
        if (i != RTS_STOP_COMPLETE)
            add_reason(&reasons, rts_stop_name(i), account->stops[i]);
    if (complete + reasons.total == 0)
        return;
    begin_line(out, "stacks", complete);
    append_percent(out, complete, complete + reasons.total);
    rts_buffer_text(out, " complete");
    if (reasons.total > 0) {
        rts_buffer_text(out, "; the others: ");
        append_reasons(out, &reasons, false);
    }
    rts_buffer_text(out, "\n");
}

static void append_opinions(const struct rts_opinions *opinions, struct rts_buffer *out)
{
    struct reasons reasons = {0};
    if (!opinions || opinions->checked == 0)
        return;
    for (unsigned i = RTS_DIFFERENCE_NONE + 1; i < RTS_DIFFERENCE_COUNT; i++)
        add_reason(&reasons, rts_difference_name(i), opinions->differ[i]);
    begin_line(out, "checked", opinions->checked);
    rts_buffer_text(out, "stacks unwound by libunwind too: ");
    append_percent(out, opinions->differ[RTS_DIFFERENCE_NONE], opinions->checked);
    rts_buffer_text(out, " alike");
    if (reasons.total > 0) {
        rts_buffer_text(out, "; the others: ");
        append_reasons(out, &reasons, false);
    }
    rts_buffer_text(out, "\n");
}

static void append_selftest(const struct rts_selftest_facts *selftest, struct rts_buffer *out)
{
    unsigned failed = selftest ? rts_selftest_failed(selftest) : 0;
    if (failed == 0)
        return;
    begin_line(out, "FAILED", failed);
    rts_buffer_text(out, "forms of stacks in the self-test: ");
    const char *separator = "";
    for (unsigned i = 0; i < RTS_FORM_COUNT; i++) {
        const struct rts_selftest_form *form = &selftest->forms[i];
        if (form->failed[RTS_SELFTEST_RULES] + form->failed[RTS_SELFTEST_LIBUNWIND] == 0)
            continue;
        rts_buffer_format(out, "%s%s", separator, rts_form_name(i));
        separator = ", ";
    }
    rts_buffer_text(out, "; stacks of such a form may be wrong\n");
}

static void append_apart(const struct rts_account *account, struct rts_buffer *out)
{
    struct reasons reasons = {0};
    add_reason(&reasons, "kernel threads, idle, out of sight", account->no_user_side);
    add_reason(&reasons, "rtsample itself", account->own);
    add_reason(&reasons, "other processes", account->other);
    if (reasons.total == 0)
        return;
    begin_line(out, "apart", reasons.total);
    rts_buffer_text(out, "not of the target: ");
    append_reasons(out, &reasons, true);
    rts_buffer_text(out, "\n");
}

static void append_unseen(const struct rts_summary *summary, struct rts_buffer *out)
{
    const struct rts_account *account = summary->account;
    struct reasons reasons = {0};
    add_reason(&reasons, "processes", account->unseen_processes);
    add_reason(&reasons, "threads", account->unseen_threads);
    if (reasons.total == 0)
        return;
    begin_line(out, "unseen", reasons.total);
    rts_buffer_text(out, "ended without a sample, with less CPU time than a period");
    if (summary->frequency > 0) {
        uint32_t tenths = 10000 / summary->frequency;
        rts_buffer_format(out, " (%u.%u ms)", tenths / 10, tenths % 10);
    }
    rts_buffer_text(out, ": ");
    append_reasons(out, &reasons, true);
    rts_buffer_text(out, "\n");
}

static void append_damaged(const struct rts_account *account, struct rts_buffer *out)
{
    if (account->malformed_side_band == 0)
        return;
    begin_line(out, "damaged", account->malformed_side_band);
    rts_buffer_text(out, "records, not samples, of processes and mappings, which may be missing\n");
}

static void append_unnamed(const struct rts_account *account, struct rts_buffer *out)
{
    struct reasons reasons = {0};
    add_reason(&reasons, "in generated code", account->unnamed_anonymous);
    add_reason(&reasons, "in unreadable files", account->unnamed_no_file);
    add_reason(&reasons, "without a symbol", account->unnamed_no_symbol);
    add_reason(&reasons, "in files that were overwritten", account->unnamed_changed);
    if (reasons.total == 0)
        return;
    begin_line(out, "unnamed", reasons.total);
    rts_buffer_text(out, "frames gave no fact: ");
    append_reasons(out, &reasons, true);
    rts_buffer_text(out, "\n");
}

static void append_facts(const struct rts_summary *summary, struct rts_buffer *out)
{
    const struct rts_account *account = summary->account;
    if (account->events_emitted > 0) {
        begin_line(out, "facts", account->events_emitted);
        rts_buffer_text(out, "lines, ");
        append_number(out, account->hits);
        rts_buffer_text(out, account->hits == 1 ? " hit, in " : " hits, in ");
        rts_visible_text(out, strcmp(summary->output, "-") == 0 ? "stdout" : summary->output,
                         OUTPUT_COLUMNS);
        rts_buffer_text(out, "\n");
    }
    if (account->undelivered_events > 0) {
        begin_line(out, "lost", account->undelivered_events);
        rts_buffer_text(out, "of these lines could not be written\n");
    }
}

static void append_packages(const struct rts_account *account, struct rts_buffer *out)
{
    if (account->hits_with_purl == 0)
        return;
    begin_line(out, "packages", account->hits_with_purl);
    append_percent(out, account->hits_with_purl, account->hits);
    rts_buffer_text(out, " of hits are of a package that is known\n");
}

static void append_nameless(const struct rts_summary *summary, struct rts_buffer *out)
{
    const struct rts_account *account = summary->account;
    const struct rts_nameless *nameless = summary->nameless;
    if (account->hits_nameless == 0)
        return;
    begin_line(out, "nameless", account->hits_nameless);
    append_percent(out, account->hits_nameless, account->hits);
    rts_buffer_text(out, " of hits are of functions without a name");
    for (size_t i = 0; nameless && i < nameless->count && i < RTS_SUMMARY_PACKAGES; i++) {
        rts_buffer_text(out, i ? ", " : "; debug symbols would name them: ");
        rts_visible_text(out, nameless->packages[i].name, NAME_COLUMNS);
        rts_buffer_text(out, " ");
        append_number(out, nameless->packages[i].hits);
    }
    rts_buffer_text(out, "\n");
}

static void append_graph(const struct rts_account *account, struct rts_buffer *out)
{
    struct reasons reasons = {0};
    for (unsigned i = 0; i < RTS_JOIN_COUNT; i++)
        if (i != RTS_JOIN_JOINED)
            add_reason(&reasons, rts_join_name(i), account->joins[i]);
    uint64_t joined = account->joins[RTS_JOIN_JOINED];
    if (joined + reasons.total == 0)
        return;
    begin_line(out, "graph", joined);
    append_percent(out, joined, joined + reasons.total);
    rts_buffer_text(out, " of hits joined one of ");
    append_number(out, account->graph_nodes);
    rts_buffer_text(out, account->graph_nodes == 1 ? " node" : " nodes");
    if (reasons.total > 0) {
        rts_buffer_text(out, "; the others: ");
        append_reasons(out, &reasons, false);
    }
    rts_buffer_text(out, "\n");
}

static int hottest_first(const void *left, const void *right)
{
    const struct rts_summary_function *a = left, *b = right;
    if (a->leaf_hits != b->leaf_hits)
        return a->leaf_hits > b->leaf_hits ? -1 : 1;
    if (a->hits != b->hits)
        return a->hits > b->hits ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->module ? a->module : "", b->module ? b->module : "");
}

/* Puts the function into the sorted list of the hottest so far; returns the new length. */
static size_t keep_hottest(struct rts_summary_function *top, size_t count,
                           const struct rts_summary_function *function)
{
    size_t i = count;
    while (i > 0 && hottest_first(function, &top[i - 1]) < 0)
        i--;
    if (i == RTS_SUMMARY_FUNCTIONS)
        return count;
    size_t behind = count < RTS_SUMMARY_FUNCTIONS ? count - i : count - 1 - i;
    memmove(&top[i + 1], &top[i], behind * sizeof *top);
    top[i] = *function;
    return count < RTS_SUMMARY_FUNCTIONS ? count + 1 : count;
}

static void append_functions(const struct rts_summary *summary, struct rts_buffer *out)
{
    struct rts_summary_function top[RTS_SUMMARY_FUNCTIONS];
    size_t count = 0;
    for (size_t i = 0; i < summary->function_count; i++)
        if (summary->functions[i].hits > 0)
            count = keep_hottest(top, count, &summary->functions[i]);
    if (count == 0)
        return;
    rts_buffer_text(out,
                    "\n  Hottest functions: share of samples in it, and with it on the stack\n");
    for (size_t i = 0; i < count; i++) {
        char own[RTS_NUMBER_TEXT_SIZE], all[RTS_NUMBER_TEXT_SIZE];
        rts_percent_format(own, top[i].leaf_hits, summary->account->samples_kept);
        rts_percent_format(all, top[i].hits, summary->account->samples_kept);
        rts_buffer_format(out, "  %9s %9s  ", own, all);
        rts_visible_text(out, top[i].name, NAME_COLUMNS);
        if (top[i].module) {
            rts_buffer_text(out, "  [");
            rts_visible_text(out, top[i].module, NAME_COLUMNS);
            rts_buffer_text(out, "]");
        }
        rts_buffer_text(out, "\n");
    }
}

void rts_summary_format(const struct rts_summary *summary, struct rts_buffer *out)
{
    append_samples(summary, out);
    append_dropped(summary->account, out);
    append_stacks(summary->account, out);
    append_opinions(summary->opinions, out);
    append_selftest(summary->selftest, out);
    append_apart(summary->account, out);
    append_unseen(summary, out);
    append_damaged(summary->account, out);
    append_unnamed(summary->account, out);
    append_facts(summary, out);
    append_packages(summary->account, out);
    append_nameless(summary, out);
    append_graph(summary->account, out);
    append_functions(summary, out);
}
