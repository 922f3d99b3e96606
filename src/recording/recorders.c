/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/recorders.h"

#include "bundle/bundle.h"
#include "util/clock.h"

static const char *call_graph_name(enum rts_call_graph call_graph)
{
    switch (call_graph) {
    case RTS_CALL_GRAPH_DWARF: return "dwarf";
    case RTS_CALL_GRAPH_FP: return "fp";
    case RTS_CALL_GRAPH_NONE: break;
    }
    return "none";
}

static void list_features(unsigned features, struct rts_buffer *out)
{
    for (unsigned bit = 1; bit && bit <= features; bit <<= 1)
        if (features & bit)
            rts_buffer_format(out, "%s%s", out->size ? "," : "",
                              rts_feature_name((enum rts_feature)bit));
}

static struct rts_trace_format format_of(const struct rts_recorders *recorders)
{
    const struct rts_capture_facts *facts = rts_capture_facts(recorders->setup.capture);
    return (struct rts_trace_format){
        .period_ns = RTS_NS_PER_S / facts->frequency,
        .user_only = facts->gave_up & RTS_FEATURE_KERNEL_SIDE,
        .monotonic = !(facts->gave_up & RTS_FEATURE_CLOCK_ID),
        .user_registers = recorders->setup.arch->perf_registers,
        .stack_bytes = facts->stack_bytes,
        .started_ns = recorders->setup.started_ns,
        .wall_offset_ns = rts_clock_wall_offset_ns(),
    };
}

static struct rts_recorder *open_recorder(const struct rts_recorders *recorders,
                                          const struct rts_recorder_options *options,
                                          struct rts_error *error)
{
    const struct rts_settings *settings = recorders->setup.settings;
    const struct rts_capture_facts *facts = rts_capture_facts(recorders->setup.capture);
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(settings, digest);
    struct rts_buffer gave_up = RTS_BUFFER_INIT, refused = RTS_BUFFER_INIT;
    list_features(facts->gave_up, &gave_up);
    rts_receipt_words(recorders->setup.receipt, &refused);
    const struct rts_recorder_run run = {
        .config_sha256 = digest,
        .method = facts->method,
        .call_graph = call_graph_name(settings->call_graph),
        .gave_up = gave_up.data,
        .rung = rts_rung_name(recorders->setup.receipt->taken),
        .refused = refused.data,
        .frequency = facts->frequency,
        .guard = recorders->setup.limits,
        .flush_interval_ms = settings->flush_interval_ms,
    };
    struct rts_recorder *recorder = rts_recorder_open(options, &run, error);
    rts_buffer_finish(&gave_up);
    rts_buffer_finish(&refused);
    return recorder;
}

int rts_recorders_open_run(struct rts_recorders *recorders, struct rts_error *error)
{
    const struct rts_settings *settings = recorders->setup.settings;
    if (!settings->record_path)
        return 0;
    struct rts_recorder_options options = {
        .path = settings->record_path,
        .fd = -1,
        .format = format_of(recorders),
        .account = recorders->setup.account,
        .share = recorders->setup.share,
        .proc = recorders->setup.proc,
    };
    options.format.full = settings->record_full && settings->call_graph == RTS_CALL_GRAPH_DWARF;
    options.format.limit = settings->record_limit_bytes;
    recorders->of_run = open_recorder(recorders, &options, error);
    return recorders->of_run ? 0 : -1;
}

int rts_recorders_open_segment(struct rts_recorders *recorders, struct rts_error *error)
{
    const struct rts_settings *settings = recorders->setup.settings;
    struct rts_recorder_options options = {
        .path = "of a bundle",
        .fd = rts_bundle_begin(settings->cas_directory, error),
        .format = format_of(recorders),
        .redaction = {.on = true,
                      .keep_process = settings->emit_process,
                      .keep_addresses = settings->emit_loader_base},
        .account = recorders->setup.account,
        .share = recorders->setup.share,
        .from_now = true,
        .quiet = true,
        .proc = recorders->setup.proc,
    };
    if (options.fd < 0)
        return -1;
    options.format.started_ns = rts_clock_monotonic_ns();
    options.format.nameless = true;
    recorders->of_segment = open_recorder(recorders, &options, error);
    return recorders->of_segment ? 0 : -1;
}

bool rts_recorders_segment_failed(const struct rts_recorders *recorders, struct rts_error *error)
{
    return rts_recorder_failed(recorders->of_segment, error);
}

/* ---- what goes into each of them ---- */

/* The recorder number `i`, from 0 on; NULL: there is none of it. */
static struct rts_recorder *recorder_of(const struct rts_recorders *recorders, int i)
{
    return i == 0 ? recorders->of_run : recorders->of_segment;
}

void rts_recorders_sample(const struct rts_recorders *recorders, const struct rts_kept *kept,
                          const struct rts_fact_process *facts)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_sample(recorder_of(recorders, i), kept->record, kept->process, kept->time,
                                kept->stack, facts);
    /* Registers name no process, but places in memory: that does not leave. */
    if (kept->disagreement && recorders->of_run)
        rts_recorder_disagreement(recorders->of_run, kept->disagreement);
}

void rts_recorders_task(const struct rts_recorders *recorders, const struct rts_record *record)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_side_band(recorder_of(recorders, i), record);
}

void rts_recorders_process(const struct rts_recorders *recorders,
                           const struct rts_fact_process *facts)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_process(recorder_of(recorders, i), facts);
}

void rts_recorders_package(const struct rts_recorders *recorders, const struct rts_object *object,
                           const char *function, const struct rts_recorder_package *package)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_package(recorder_of(recorders, i), object, function, package);
}

void rts_recorders_named(const struct rts_recorders *recorders)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_named(recorder_of(recorders, i));
}

void rts_recorders_flush(const struct rts_recorders *recorders, int64_t wall_offset_ns)
{
    for (int i = 0; i < RTS_RECORDERS; i++)
        if (recorder_of(recorders, i))
            rts_recorder_flush(recorder_of(recorders, i), wall_offset_ns);
}

/* ---- their ends ---- */

/* What the run says at the end of a trace; the words go to *refused, which is to be finished. */
static struct rts_recorder_end end_of(const struct rts_recorders *recorders, uint64_t duration_ns,
                                      struct rts_buffer *refused)
{
    const struct rts_recorders_setup *setup = &recorders->setup;
    rts_receipt_words(setup->receipt, refused);
    return (struct rts_recorder_end){
        .duration_ms = duration_ns / 1000000,
        .frequency = rts_capture_facts(setup->capture)->frequency,
        .command_status = -1,
        .rung = rts_rung_name(setup->receipt->taken),
        .refused = refused->data,
    };
}

int rts_recorders_end_segment(struct rts_recorders *recorders, uint64_t duration_ns,
                              struct rts_error *error)
{
    struct rts_recorder *recorder = recorders->of_segment;
    if (!recorder)
        return rts_fail(error, RTS_FAILED, "there is no trace");
    struct rts_buffer refused = RTS_BUFFER_INIT;
    const struct rts_recorder_end end = end_of(recorders, duration_ns, &refused);
    struct rts_recorder_counts counts;
    recorders->of_segment = NULL;
    int result = rts_recorder_finish_open(recorder, &end, &counts, error);
    rts_buffer_finish(&refused);
    return result;
}

int rts_recorders_end_run(struct rts_recorders *recorders, uint64_t duration_ns, int command_status,
                          struct rts_error *error)
{
    if (!recorders->of_run)
        return 0;
    struct rts_buffer refused = RTS_BUFFER_INIT;
    struct rts_recorder_end end = end_of(recorders, duration_ns, &refused);
    end.command_status = command_status;
    int result = rts_recorder_finish(recorders->of_run, &end, &recorders->counts, error);
    rts_buffer_finish(&refused);
    recorders->of_run = NULL;
    return result;
}

void rts_recorders_discard(struct rts_recorders *recorders)
{
    rts_recorder_discard(recorders->of_run);
    recorders->of_run = NULL;
}
