/* SPDX-License-Identifier: Apache-2.0 */
/* The account as JSON, for --stats. */
#include "facts/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/hex.h"
#include "util/json.h"

static void append_string(struct rts_buffer *out, const char *key, const char *value)
{
    if (!value)
        return;
    rts_buffer_format(out, ",\"%s\":", key);
    rts_json_string(out, value);
}

static void append_samples(const struct rts_account *account, struct rts_buffer *out)
{
    rts_buffer_format(out, ",\"samples\":{\"taken\":%" PRIu64 ",\"kept\":%" PRIu64,
                      rts_account_taken(account), account->samples_kept);
    rts_buffer_text(out, ",\"dropped\":{");
    for (unsigned i = 0; i < RTS_DROP_COUNT; i++)
        rts_buffer_format(out, "%s\"%s\":%" PRIu64, i ? "," : "", rts_drop_name(i),
                          account->dropped[i]);
    rts_buffer_format(
        out,
        "},\"no_user\":%" PRIu64 ",\"own\":%" PRIu64 ",\"other\":%" PRIu64
        ",\"kernel_side\":%" PRIu64 ",\"processes\":%" PRIu64 ",\"unwatched\":%" PRIu64
        ",\"lost_records\":%" PRIu64 ",\"malformed_side_band\":%" PRIu64
        ",\"unseen_processes\":%" PRIu64 ",\"unseen_threads\":%" PRIu64 "}",
        account->no_user_side, account->own, account->other, account->kernel_side,
        account->processes, account->unwatched, account->lost_records, account->malformed_side_band,
        account->unseen_processes, account->unseen_threads);
}

static void append_stacks(const struct rts_account *account, struct rts_buffer *out)
{
    rts_buffer_format(out, ",\"stacks\":{\"complete\":%" PRIu64 ",\"truncated\":{",
                      account->stops[RTS_STOP_COMPLETE]);
    const char *separator = "";
    for (unsigned i = 0; i < RTS_STOP_COUNT; i++) {
        if (i == RTS_STOP_COMPLETE)
            continue;
        rts_buffer_format(out, "%s\"%s\":%" PRIu64, separator, rts_stop_name(i), account->stops[i]);
        separator = ",";
    }
    rts_buffer_text(out, "}}");
}

static void append_differences(const uint64_t differ[RTS_DIFFERENCE_COUNT], struct rts_buffer *out)
{
    rts_buffer_text(out, ",\"differ\":{");
    for (unsigned i = RTS_DIFFERENCE_NONE + 1; i < RTS_DIFFERENCE_COUNT; i++)
        rts_buffer_format(out, "%s\"%s\":%" PRIu64, i > RTS_DIFFERENCE_NONE + 1 ? "," : "",
                          rts_difference_name(i), differ[i]);
    rts_buffer_text(out, "}");
}

static void append_binary(const struct rts_opinion_binary *binary, struct rts_buffer *out)
{
    char build_id[RTS_HEX_SIZE(RTS_BUILD_ID_MAX)];
    rts_hex_write(build_id, binary->build_id.bytes, binary->build_id.size);
    rts_buffer_text(out, "{\"module\":");
    rts_json_string(out, binary->module);
    append_string(out, "build_id", binary->build_id.size > 0 ? build_id : NULL);
    rts_buffer_format(out, ",\"alike\":%" PRIu64, binary->alike);
    append_differences(binary->differ, out);
    rts_buffer_text(out, "}");
}

static void append_unwinding(const struct rts_run_facts *run, struct rts_buffer *out)
{
    static const struct rts_opinions none = {0};
    const struct rts_opinions *opinions = run->opinions ? run->opinions : &none;
    rts_buffer_text(out, ",\"unwinding\":{\"unwinder\":");
    rts_json_string(out, run->unwinder ? run->unwinder : "rules");
    rts_buffer_format(out, ",\"checked\":%" PRIu64 ",\"alike\":%" PRIu64, opinions->checked,
                      opinions->differ[RTS_DIFFERENCE_NONE]);
    append_differences(opinions->differ, out);
    rts_buffer_text(out, ",\"binaries\":[");
    for (size_t i = 0; i < opinions->count; i++) {
        rts_buffer_text(out, i ? "," : "");
        append_binary(&opinions->binaries[i], out);
    }
    rts_buffer_text(out, "]}");
}

static void append_selftest(const struct rts_selftest_facts *selftest, struct rts_buffer *out)
{
    static const struct rts_selftest_facts none = {0};
    const struct rts_selftest_facts *facts = selftest ? selftest : &none;
    rts_buffer_format(out,
                      ",\"selftest\":{\"rounds\":%" PRIu64 ",\"cpu_ms\":%" PRIu64
                      ",\"failed\":%u,\"forms\":{",
                      facts->rounds, facts->cpu_ms, rts_selftest_failed(facts));
    for (unsigned i = 0; i < RTS_FORM_COUNT; i++) {
        const struct rts_selftest_form *form = &facts->forms[i];
        rts_buffer_format(out,
                          "%s\"%s\":{\"samples\":%" PRIu64 ",\"rules_failed\":%" PRIu64
                          ",\"libunwind_failed\":%" PRIu64 "}",
                          i ? "," : "", rts_form_name(i), form->samples,
                          form->failed[RTS_SELFTEST_RULES], form->failed[RTS_SELFTEST_LIBUNWIND]);
    }
    rts_buffer_text(out, "}}");
}

static void append_frames(const struct rts_account *account, struct rts_buffer *out)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < RTS_UNWINDER_COUNT; i++)
        total += account->frames_by_unwinder[i];
    rts_buffer_format(
        out, ",\"frames\":{\"total\":%" PRIu64 ",\"symbolized\":%" PRIu64 ",\"by_unwinder\":{",
        total, account->frames_symbolized);
    for (unsigned i = 0; i < RTS_UNWINDER_COUNT; i++)
        rts_buffer_format(out, "%s\"%s\":%" PRIu64, i ? "," : "", rts_unwinder_name(i),
                          account->frames_by_unwinder[i]);
    rts_buffer_format(
        out,
        "},\"unnamed\":{\"anonymous\":%" PRIu64 ",\"no_file\":%" PRIu64 ",\"no_symbol\":%" PRIu64
        ",\"changed\":%" PRIu64 "},\"copied\":{\"same\":%" PRIu64 ",\"different\":%" PRIu64 "}}",
        account->unnamed_anonymous, account->unnamed_no_file, account->unnamed_no_symbol,
        account->unnamed_changed, account->copied_same, account->copied_different);
}

static void append_delivery(const struct rts_delivery_account *delivery, struct rts_buffer *out)
{
    rts_buffer_format(out,
                      ",\"delivery\":{\"accepted\":%" PRIu64 ",\"spooled\":%" PRIu64
                      ",\"rejected\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"retries\":%" PRIu64 "}",
                      delivery->accepted, delivery->spooled, delivery->rejected, delivery->dropped,
                      delivery->retries);
}

static void append_graph(const struct rts_account *account, const struct rts_run_facts *run,
                         struct rts_buffer *out)
{
    rts_buffer_format(out,
                      ",\"graph\":{\"nodes\":%" PRIu64 ",\"joined_hits\":%" PRIu64
                      ",\"unjoined_hits\":%" PRIu64 ",\"unjoined\":{",
                      account->graph_nodes, account->joins[RTS_JOIN_JOINED],
                      rts_account_unjoined(account));
    const char *separator = "";
    for (unsigned i = 0; i < RTS_JOIN_COUNT; i++) {
        if (i == RTS_JOIN_JOINED)
            continue;
        rts_buffer_format(out, "%s\"%s\":%" PRIu64, separator, rts_join_name(i), account->joins[i]);
        separator = ",";
    }
    rts_buffer_text(out, "},\"unjoined_symbols\":[");
    for (size_t i = 0; i < run->unjoined_count; i++) {
        const struct rts_unjoined *symbol = &run->unjoined[i];
        rts_buffer_text(out, i ? ",{\"symbol\":" : "{\"symbol\":");
        rts_json_string(out, symbol->symbol);
        append_string(out, "buildId", symbol->build_id);
        rts_buffer_format(out, ",\"hits\":%" PRIu64, symbol->hits);
        append_string(out, "reason", rts_join_name(symbol->reason));
        rts_buffer_text(out, "}");
    }
    rts_buffer_text(out, "]}");
}

/* Tenths by hand: printf would follow the locale's decimal point. */
static void append_tenths(struct rts_buffer *out, double number)
{
    /* Not a number, negative, or beyond what any machine has processors for: say 0. */
    uint64_t tenths = number > 0 && number < 1e9 ? (uint64_t)(number * 10 + 0.5) : 0;
    rts_buffer_format(out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static void append_stopped(const struct rts_stop_times *stopped, struct rts_buffer *out)
{
    uint64_t mean_ns = stopped->count ? stopped->total_ns / stopped->count : 0;
    rts_buffer_format(out,
                      ",\"ptrace\":{\"stops\":%" PRIu64 ",\"mean_stop_us\":%" PRIu64
                      ",\"max_stop_us\":%" PRIu64 ",\"too_long\":%" PRIu64 ",\"refused\":%" PRIu64
                      ",\"given_up\":%" PRIu64 ",\"put_off\":%" PRIu64 ",\"due\":%" PRIu64
                      ",\"target_cpu_ms\":%" PRIu64 ",\"rate\":",
                      stopped->count, (mean_ns + 500) / 1000, (stopped->longest_ns + 500) / 1000,
                      stopped->too_long, stopped->refused, stopped->given_up, stopped->put_off,
                      stopped->due, stopped->used_ns / 1000000);
    append_tenths(out, rts_stop_times_rate(stopped));
    rts_buffer_text(out, "}");
}

static void append_owners(const struct rts_memory_owners *owners, struct rts_buffer *out)
{
    rts_buffer_text(out, ",\"owners\":{");
    for (size_t i = 0; owners && i < owners->count; i++) {
        const struct rts_memory_owner *owner = &owners->items[i];
        rts_buffer_format(out, "%s\"%s\":", i ? "," : "", owner->digest);
        for (unsigned table = 0, some = 0; table < RTS_MEMORY_COUNT; table++)
            if (owner->evictions[table] > 0)
                rts_buffer_format(out, "%c\"%s\":%" PRIu64, some++ ? ',' : '{',
                                  rts_memory_name(table), owner->evictions[table]);
        rts_buffer_text(out, "}");
    }
    rts_buffer_text(out, "}");
}

static void append_memory(const struct rts_budget *memory, const struct rts_memory_owners *owners,
                          struct rts_buffer *out)
{
    static const struct rts_budget none;
    const char *const words[] = {"bytes", "peak", "evictions"};
    const struct rts_budget *shown = memory ? memory : &none;
    rts_buffer_format(out, ",\"memory\":{\"limit\":%zu", shown->limit);
    for (unsigned word = 0; word < 3; word++) {
        rts_buffer_format(out, ",\"%s\":", words[word]);
        for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++) {
            const struct rts_share *share = &shown->shares[i];
            const uint64_t values[] = {share->bytes, share->peak, share->evictions};
            rts_buffer_format(out, "%c\"%s\":%" PRIu64, i ? ',' : '{', rts_memory_name(i),
                              values[word]);
        }
        rts_buffer_text(out, "}");
    }
    append_owners(owners, out);
    rts_buffer_text(out, "}");
}

/* "rung:cause,…" as an object. */
static void append_refused(const char *words, struct rts_buffer *out)
{
    rts_buffer_text(out, ",\"refused\":{");
    for (const char *at = words ? words : ""; *at;) {
        char rung[32], cause[32];
        size_t length = strcspn(at, ","), head = strcspn(at, ":,");
        size_t rest = head < length ? head + 1 : length;
        snprintf(rung, sizeof rung, "%.*s", (int)head, at);
        snprintf(cause, sizeof cause, "%.*s", (int)(length - rest), at + rest);
        rts_buffer_text(out, at == words ? "" : ",");
        rts_json_string(out, rung);
        rts_buffer_text(out, ":");
        rts_json_string(out, cause);
        at += length + (at[length] == ',');
    }
    rts_buffer_text(out, "}");
}

static void append_guard(const struct rts_guard_facts *guard, struct rts_buffer *out)
{
    if (guard)
        rts_buffer_format(out,
                          ",\"guard\":{\"ratio\":%" PRIu32 ",\"max_events_per_second\":%" PRIu32
                          ",\"max_cpu_percent\":%" PRIu32 "}",
                          guard->ratio, guard->max_events_per_second, guard->max_cpu_percent);
    else
        rts_buffer_text(out, ",\"guard\":null");
}

static void append_run(const struct rts_run_facts *run, struct rts_buffer *out)
{
    rts_buffer_format(out, ",\"run\":{\"frequency\":%" PRIu32 ",\"gave_up\":[", run->frequency);
    for (const char *const *word = run->gave_up; word && *word; word++) {
        rts_buffer_text(out, word == run->gave_up ? "" : ",");
        rts_json_string(out, *word);
    }
    rts_buffer_text(out, "],\"command_status\":");
    if (run->has_command && run->command_status >= 0)
        rts_buffer_format(out, "%d", run->command_status);
    else
        rts_buffer_text(out, "null");
    rts_buffer_text(out, ",\"rung\":");
    if (run->rung)
        rts_json_string(out, run->rung);
    else
        rts_buffer_text(out, "null");
    append_refused(run->refused, out);
    append_guard(run->guard, out);
    rts_buffer_text(out, "}");
}

static void append_trace(const struct rts_trace_account *trace, struct rts_buffer *out)
{
    rts_buffer_format(
        out,
        ",\"trace\":{\"unread_bytes\":%" PRIu64 ",\"late_records\":%" PRIu64
        ",\"unknown_events\":%" PRIu64 ",\"files\":{\"found\":%" PRIu64 ",\"missing\":%" PRIu64
        ",\"different\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"by_path\":%" PRIu64 "}}",
        trace->unread_bytes, trace->late_records, trace->unknown_events, trace->files_found,
        trace->files_missing, trace->files_different, trace->files_unknown, trace->files_by_path);
}

void rts_account_write(const struct rts_account *account, const struct rts_run_facts *run,
                       struct rts_buffer *out)
{
    rts_buffer_text(out, "{\"version\":1");
    append_string(out, "method", run->method);
    rts_buffer_format(out, ",\"duration_ms\":%" PRIu64, run->duration_ms);
    append_string(out, "config_sha256", run->config_sha256);
    append_samples(account, out);
    append_stacks(account, out);
    append_frames(account, out);
    append_unwinding(run, out);
    append_selftest(run->selftest, out);
    rts_buffer_format(out,
                      ",\"events\":{\"emitted\":%" PRIu64 ",\"hits\":%" PRIu64
                      ",\"batches\":%" PRIu64 ",\"unwritten\":%" PRIu64
                      ",\"hits_nameless\":%" PRIu64 "}",
                      account->events_emitted, account->hits, account->batches,
                      account->undelivered_events, account->hits_nameless);
    rts_buffer_format(out,
                      ",\"packages\":{\"with_purl\":%" PRIu64 ",\"without_purl\":%" PRIu64
                      ",\"hits_with_purl\":%" PRIu64 "}",
                      account->events_with_purl,
                      account->events_emitted - account->events_with_purl, account->hits_with_purl);
    append_delivery(&account->delivery, out);
    append_graph(account, run, out);
    rts_buffer_format(
        out, ",\"self\":{\"cpu_ms\":%" PRIu64 ",\"peak_rss_kib\":%" PRIu64 ",\"max_cpu_percent\":",
        run->cpu_ms, run->peak_rss_kib);
    append_tenths(out, run->max_cpu_percent);
    rts_buffer_format(out,
                      ",\"recorded\":{\"bytes\":%" PRIu64 ",\"samples\":%" PRIu64
                      ",\"unrecorded\":%" PRIu64 "}",
                      run->recorded_bytes, run->recorded_samples, run->unrecorded_samples);
    rts_buffer_format(out,
                      ",\"packages\":{\"unreadable_databases\":%" PRIu64
                      ",\"late_databases\":%" PRIu64 ",\"objects_put_off\":%" PRIu64 "}",
                      account->databases_unreadable, account->databases_late,
                      account->objects_put_off);
    append_stopped(&run->stopped, out);
    rts_buffer_text(out, "}");
    append_memory(run->memory, run->memory_owners, out);
    rts_buffer_format(out,
                      ",\"unreadable\":{\"late\":%" PRIu64 "},\"broker\":{\"asked\":%" PRIu64
                      ",\"refused\":%" PRIu64 ",\"replaced\":%" PRIu64 "}",
                      run->looking.late, run->looking.asked, run->looking.refused,
                      run->looking.replaced);
    rts_buffer_format(out,
                      ",\"near\":{\"samples\":%" PRIu64 ",\"frozen\":%" PRIu64 ",\"late\":%" PRIu64
                      ",\"refused\":%" PRIu64 "}",
                      run->near.samples, run->near.frozen, run->near.late, run->near.refused);
    append_run(run, out);
    if (run->trace)
        append_trace(run->trace, out);
    rts_buffer_text(out, "}\n");
}
