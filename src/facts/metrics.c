/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/metrics.h"

#include <inttypes.h>

static void append_head(struct rts_buffer *out, const char *name, const char *type,
                        const char *help)
{
    rts_buffer_format(out, "# HELP rtsample_%s %s\n# TYPE rtsample_%s %s\n", name, help, name,
                      type);
}

static void append_value(struct rts_buffer *out, const char *name, uint64_t value)
{
    rts_buffer_format(out, "rtsample_%s %" PRIu64 "\n", name, value);
}

static void append_labelled(struct rts_buffer *out, const char *name, const char *label,
                            const char *word, uint64_t value)
{
    rts_buffer_format(out, "rtsample_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

/* Thousandths as a decimal number; printf would follow the locale's decimal point. */
static void append_seconds(struct rts_buffer *out, const char *name, uint64_t milliseconds)
{
    rts_buffer_format(out, "rtsample_%s %" PRIu64 ".%03" PRIu64 "\n", name, milliseconds / 1000,
                      milliseconds % 1000);
}

struct metric {
    const char *name, *help;
    uint64_t value;
};

static void append_metrics(struct rts_buffer *out, const char *type, const struct metric *metrics,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append_head(out, metrics[i].name, type, metrics[i].help);
        append_value(out, metrics[i].name, metrics[i].value);
    }
}

static void append_samples(const struct rts_account *account, struct rts_buffer *out)
{
    const struct metric counters[] = {
        {"samples_taken_total", "Samples of the target, kept or dropped.",
         rts_account_taken(account)},
        {"samples_kept_total", "Samples whose stack was taken apart and counted.",
         account->samples_kept},
        {"samples_kernel_side_total", "Kept samples that interrupted the kernel at work.",
         account->kernel_side},
        {"processes_seen_total", "Process instances with at least one kept sample.",
         account->processes},
        {"kernel_lost_records_total", "Records of any kind that the kernel could not write.",
         account->lost_records},
        {"malformed_side_band_total",
         "Records about processes and mappings whose sizes contradict each other.",
         account->malformed_side_band},
    };
    append_metrics(out, "counter", counters, sizeof counters / sizeof *counters);
    append_head(out, "sampler_dropped_total", "counter", "Samples that were not used, by reason.");
    for (unsigned i = 0; i < RTS_DROP_COUNT; i++)
        append_labelled(out, "sampler_dropped_total", "reason", rts_drop_name(i),
                        account->dropped[i]);
    append_head(out, "samples_ignored_total", "counter",
                "Samples that are none of the target's, by what they are of.");
    append_labelled(out, "samples_ignored_total", "of", "no_user", account->no_user_side);
    append_labelled(out, "samples_ignored_total", "of", "own", account->own);
    append_labelled(out, "samples_ignored_total", "of", "other", account->other);
}

static void append_stacks(const struct rts_account *account, struct rts_buffer *out)
{
    append_head(out, "stacks_total", "counter", "Kept samples, by why their stack ended.");
    for (unsigned i = 0; i < RTS_STOP_COUNT; i++)
        append_labelled(out, "stacks_total", "end", rts_stop_name(i), account->stops[i]);
    append_head(out, "frames_total", "counter", "Frames of all stacks, by how they were found.");
    for (unsigned i = 0; i < RTS_UNWINDER_COUNT; i++)
        append_labelled(out, "frames_total", "unwinder", rts_unwinder_name(i),
                        account->frames_by_unwinder[i]);
    append_head(out, "frames_symbolized_total", "counter", "Frames that became facts.");
    append_value(out, "frames_symbolized_total", account->frames_symbolized);
    append_head(out, "frames_unnamed_total", "counter", "Frames that did not, by what they lack.");
    append_labelled(out, "frames_unnamed_total", "cause", "anonymous", account->unnamed_anonymous);
    append_labelled(out, "frames_unnamed_total", "cause", "no_file", account->unnamed_no_file);
    append_labelled(out, "frames_unnamed_total", "cause", "no_symbol", account->unnamed_no_symbol);
    append_labelled(out, "frames_unnamed_total", "cause", "changed", account->unnamed_changed);
}

static void append_opinions(const struct rts_opinions *opinions, struct rts_buffer *out)
{
    append_head(out, "stacks_checked_total", "counter",
                "Stacks that were unwound by libunwind too, by how the two parted.");
    for (unsigned i = 0; i < RTS_DIFFERENCE_COUNT; i++)
        append_labelled(out, "stacks_checked_total", "difference", rts_difference_name(i),
                        opinions ? opinions->differ[i] : 0);
}

static void append_selftest(const struct rts_selftest_facts *selftest, struct rts_buffer *out)
{
    append_head(out, "selftest_rounds_total", "counter", "Times that the self-test was run.");
    append_value(out, "selftest_rounds_total", selftest ? selftest->rounds : 0);
    append_head(out, "selftest_failed", "gauge",
                "Forms of stacks that an unwinder gets wrong on this machine.");
    append_value(out, "selftest_failed", selftest ? rts_selftest_failed(selftest) : 0);
}

static void append_events(const struct rts_account *account, struct rts_buffer *out)
{
    const struct rts_delivery_account *delivery = &account->delivery;
    const struct metric counters[] = {
        {"events_emitted_total", "Facts, each one line.", account->events_emitted},
        {"event_hits_total", "The sum of their hit counts.", account->hits},
        {"batches_total", "Flushes that had facts.", account->batches},
        {"events_unwritten_total", "Facts that the output refused, which are lost.",
         account->undelivered_events},
        {"delivery_accepted_total", "Facts that the server accepted.", delivery->accepted},
        {"delivery_rejected_total", "Facts that the server refused for good.", delivery->rejected},
        {"delivery_dropped_total", "Facts lost for want of a spool or of room in it.",
         delivery->dropped},
        {"delivery_retries_total", "Requests that were repeated.", delivery->retries},
    };
    append_metrics(out, "counter", counters, sizeof counters / sizeof *counters);
    const struct metric spooled = {"delivery_spooled", "Facts of this run that wait in the spool.",
                                   delivery->spooled};
    append_metrics(out, "gauge", &spooled, 1);
}

static void append_self(const struct rts_metrics_facts *facts, struct rts_buffer *out)
{
    const struct metric gauges[] = {
        {"self_resident_memory_bytes", "Memory in use by rtsample itself.", facts->rss_kib * 1024},
        {"self_resident_memory_peak_bytes", "The most that it has been.",
         facts->peak_rss_kib * 1024},
        {"sampling_frequency_hertz", "Samples per second of each CPU, in effect now.",
         facts->frequency},
    };
    append_head(out, "self_cpu_seconds_total", "counter",
                "User and system time used by rtsample itself.");
    append_seconds(out, "self_cpu_seconds_total", facts->cpu_ms);
    append_metrics(out, "gauge", gauges, sizeof gauges / sizeof *gauges);
    append_head(out, "unreadable_processes_total", "counter",
                "Processes that did not let themselves be looked at, by why.");
    append_labelled(out, "unreadable_processes_total", "cause", "late", facts->processes_late);
    append_head(out, "near_samples_total", "counter",
                "Samples near which memory was to be read, by what became of that.");
    append_labelled(out, "near_samples_total", "result", "frozen", facts->near.frozen);
    append_labelled(out, "near_samples_total", "result", "late", facts->near.late);
    append_labelled(out, "near_samples_total", "result", "refused", facts->near.refused);
    append_head(out, "run_duration_seconds", "gauge", "Time since sampling began.");
    append_seconds(out, "run_duration_seconds", facts->duration_ms);
    append_head(out, "build_info", "gauge", "Always 1; what runs is in the label.");
    append_labelled(out, "build_info", "version", facts->version, 1);
}

static void append_memory(const struct rts_budget *memory, const struct rts_memory_owners *owners,
                          struct rts_buffer *out)
{
    static const struct rts_budget none;
    const struct rts_budget *shown = memory ? memory : &none;
    const struct metric limit = {"memory_limit_bytes", "Sampler:MaxMemoryBytes; 0: none.",
                                 shown->limit};
    append_metrics(out, "gauge", &limit, 1);
    append_head(out, "memory_bytes", "gauge", "What each table takes of it.");
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        append_labelled(out, "memory_bytes", "table", rts_memory_name(i), shown->shares[i].bytes);
    append_head(out, "memory_peak_bytes", "gauge", "The most that each has taken.");
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        append_labelled(out, "memory_peak_bytes", "table", rts_memory_name(i),
                        shown->shares[i].peak);
    append_head(out, "memory_evictions_total", "counter",
                "What was let go of for want of room, to be read again when it is needed.");
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        append_labelled(out, "memory_evictions_total", "table", rts_memory_name(i),
                        shown->shares[i].evictions);
    append_head(out, "memory_owner_evictions_total", "counter",
                "The same, by whose it was: a digest of the user.");
    for (size_t i = 0; owners && i < owners->count; i++) {
        uint64_t sum = 0;
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            sum += owners->items[i].evictions[table];
        append_labelled(out, "memory_owner_evictions_total", "owner", owners->items[i].digest, sum);
    }
}

void rts_metrics_write(const struct rts_account *account, const struct rts_metrics_facts *facts,
                       struct rts_buffer *out)
{
    append_samples(account, out);
    append_stacks(account, out);
    append_opinions(facts->opinions, out);
    append_selftest(facts->selftest, out);
    append_events(account, out);
    append_memory(facts->memory, facts->memory_owners, out);
    append_self(facts, out);
}
