/* SPDX-License-Identifier: Apache-2.0 */
#include "session/closing.h"

#include <stdio.h>

#include "report/summary.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/own_memory.h"

#define FEATURES_MAX 8

static struct rts_summary_function *list_functions(const struct rts_symbol_table *symbols,
                                                   size_t *count)
{
    struct rts_summary_function *functions = NULL;
    size_t capacity = 0, position = 0;
    *count = 0;
    for (const struct rts_symbol *symbol; (symbol = rts_symbol_table_next(symbols, &position));) {
        functions = rts_grow(functions, *count, &capacity, sizeof *functions);
        functions[(*count)++] = (struct rts_summary_function){
            .name = symbol->demangled ? symbol->demangled : symbol->name,
            .module = symbol->module,
            .hits = symbol->total_hits,
            .leaf_hits = symbol->leaf_hits,
        };
    }
    return functions;
}

static void print_summary(struct rts_line *line, uint32_t frequency, uint64_t duration_ms)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    const struct rts_settings *settings = line->settings;
    struct rts_summary summary = {
        .account = &line->account,
        .nameless = &line->namer.nameless,
        .duration_ms = duration_ms,
        .frequency = frequency,
        .opinions = &line->opinions,
        .selftest = &line->selftest.test.facts,
        .output = settings->output ? settings->output : settings->ingest.endpoint,
    };
    RTS_FREE struct rts_summary_function *functions =
        list_functions(line->namer.symbols, &summary.function_count);
    summary.functions = functions;
    rts_nameless_sort(&line->namer.nameless);
    rts_summary_format(&summary, &text);
    if (text.size > 0)
        fputs(text.data, stderr);
    rts_buffer_finish(&text);
}

static struct rts_stop_times stop_times(const struct rts_capture_stops *stops)
{
    return (struct rts_stop_times){
        stops->count,   stops->total_ns, stops->longest_ns, stops->too_long, stops->refused,
        stops->samples, stops->due,      stops->used_ns,    stops->given_up, stops->put_off};
}

static int write_stats(struct rts_line *line, const struct rts_closing *closing,
                       uint64_t duration_ms, struct rts_error *error)
{
    const struct rts_capture_facts *facts = rts_capture_facts(line->sampler.capture);
    const struct rts_self *self = line->sampler.setup.self;
    const char *gave_up[FEATURES_MAX + 1] = {NULL};
    size_t count = 0;
    for (unsigned bit = 1; count < FEATURES_MAX && bit <= RTS_FEATURE_LAST; bit <<= 1)
        if (facts->gave_up & bit)
            gave_up[count++] = rts_feature_name((enum rts_feature)bit);
    rts_opinions_sort(&line->opinions);
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(line->settings, digest);
    struct rts_memory_owners owners;
    rts_bounds_list_owners(&line->bounds, &owners);
    struct rts_run_facts run = {
        .guard = &line->sampler.pace.limits,
        .method = facts->method,
        .duration_ms = duration_ms,
        .config_sha256 = digest,
        .has_command = line->settings->target == RTS_TARGET_COMMAND,
        .command_status = -1,
        .frequency = facts->frequency,
        .gave_up = gave_up,
        .max_cpu_percent = self->max_cpu_percent,
        .recorded_bytes = line->recorders.counts.bytes,
        .recorded_samples = line->recorders.counts.samples,
        .unrecorded_samples = line->recorders.counts.unrecorded,
        .memory = &line->bounds.memory,
        .memory_owners = &owners,
        .looking = rts_self_looking(self),
        .near = rts_self_near(self),
        .stopped = stop_times(&facts->stops),
        .unwinder = rts_unwind_by_name(line->settings->unwinder),
        .opinions = &line->opinions,
        .selftest = &line->selftest.test.facts,
    };
    rts_namer_list_unjoined(&line->namer, &run);
    closing->describe(closing->context, &run);
    struct rts_own_memory memory;
    rts_own_memory_read_from(self->memory, &memory);
    run.cpu_ms = rts_self_cpu_ms(self);
    run.peak_rss_kib = memory.peak_rss_kib;

    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_account_write(&line->account, &run, &text);
    int result = rts_account_file_write(&line->outlets.stats, &text, error);
    rts_buffer_finish(&text);
    return result;
}

/* Keeps the first failure: where there is one, the next one has no place. */
static void note(int *result, int next)
{
    if (next < 0)
        *result = -1;
}

int rts_close(struct rts_line *line, const struct rts_closing *closing, struct rts_error *error)
{
    uint64_t duration_ms = (line->ended_ns - line->started_ns) / 1000000;
    const struct rts_outlets_end end = {closing->stopped, line->ended_ns, closing->config_sha256};
    int result = rts_outlets_end_lines(&line->outlets, &end, error);
    note(&result, closing->end_target(closing->context, result < 0 ? NULL : error));
    note(&result, rts_outlets_end_union(&line->outlets, &end, result < 0 ? NULL : error));
    rts_line_update_metrics(line);
    print_summary(line, closing->frequency, duration_ms);
    rts_pace_tell_limit(&line->sampler.pace, &line->account, line->settings);
    note(&result, closing->say_unseen(closing->context, result < 0 ? NULL : error));
    if (line->outlets.stats.file) {
        struct rts_error failure;
        if (write_stats(line, closing, duration_ms, &failure) < 0) {
            /* Both may fail for one full disk: say this one now, the other one is returned. */
            if (result < 0)
                rts_log("%s", failure.text);
            else if (error)
                *error = failure;
            result = -1;
        }
    }
    return result;
}
