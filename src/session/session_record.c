/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of the run: when it begins and ends, and what is taken into it. */
#include "session/session.h"

#include "trace/bundle.h"
#include "util/clock.h"
#include "util/log.h"

#define SECOND_NS 1000000000ULL

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

static struct rts_trace_format format_of(const struct rts_session *session)
{
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    return (struct rts_trace_format){
        .period_ns = SECOND_NS / facts->frequency,
        .user_only = facts->gave_up & RTS_FEATURE_KERNEL_SIDE,
        .monotonic = !(facts->gave_up & RTS_FEATURE_CLOCK_ID),
        .user_registers = session->arch->perf_registers,
        .stack_bytes = facts->stack_bytes,
        .started_ns = session->started_ns,
        .wall_offset_ns = rts_clock_wall_offset_ns(),
    };
}

static struct rts_recorder *open_recorder(const struct rts_session *session,
                                          const struct rts_recorder_options *options,
                                          struct rts_error *error)
{
    const struct rts_settings *settings = session->settings;
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(settings, digest);
    struct rts_buffer gave_up = RTS_BUFFER_INIT, refused = RTS_BUFFER_INIT;
    list_features(facts->gave_up, &gave_up);
    rts_receipt_words(&session->receipt, &refused);
    const struct rts_recorder_run run = {
        .config_sha256 = digest,
        .method = facts->method,
        .call_graph = call_graph_name(settings->call_graph),
        .gave_up = gave_up.data,
        .rung = rts_rung_name(session->receipt.taken),
        .refused = refused.data,
        .frequency = facts->frequency,
        .guard = rts_session_guard_facts(session),
        .flush_interval_ms = settings->flush_interval_ms,
    };
    struct rts_recorder *recorder = rts_recorder_open(options, &run, error);
    rts_buffer_finish(&gave_up);
    rts_buffer_finish(&refused);
    return recorder;
}

int rts_session_open_record(struct rts_session *session, struct rts_error *error)
{
    const struct rts_settings *settings = session->settings;
    if (!settings->record_path || session->replay)
        return 0;
    struct rts_recorder_options options = {
        .path = settings->record_path,
        .fd = -1,
        .format = format_of(session),
        .account = &session->account,
        .share = &session->memory.shares[RTS_MEMORY_TRACE],
        .proc = rts_process_table_proc(session->processes),
    };
    options.format.full = settings->record_full && settings->call_graph == RTS_CALL_GRAPH_DWARF;
    options.format.limit = settings->record_limit_bytes;
    session->recorders[RTS_RUN_TRACE] = open_recorder(session, &options, error);
    return session->recorders[RTS_RUN_TRACE] ? 0 : -1;
}

int rts_session_open_segment(struct rts_session *session, struct rts_error *error)
{
    const struct rts_settings *settings = session->settings;
    struct rts_recorder_options options = {
        .path = "of a bundle",
        .fd = rts_bundle_begin(settings->cas_directory, error),
        .format = format_of(session),
        .redaction = {.on = true,
                      .keep_process = settings->emit_process,
                      .keep_addresses = settings->emit_loader_base},
        .account = &session->account,
        .share = &session->memory.shares[RTS_MEMORY_TRACE],
        .from_now = true,
        .quiet = true,
        .proc = rts_process_table_proc(session->processes),
    };
    if (options.fd < 0)
        return -1;
    options.format.started_ns = rts_clock_monotonic_ns();
    options.format.nameless = true;
    session->recorders[RTS_SEGMENT_TRACE] = open_recorder(session, &options, error);
    return session->recorders[RTS_SEGMENT_TRACE] ? 0 : -1;
}

bool rts_session_segment_failed(const struct rts_session *session, struct rts_error *error)
{
    return rts_recorder_failed(session->recorders[RTS_SEGMENT_TRACE], error);
}

/* ---- what goes into each of them ---- */

/* The next recorder from *i on; NULL: there is no other. */
static struct rts_recorder *next_recorder(const struct rts_session *session, int *i)
{
    while (*i < RTS_TRACE_COUNT) {
        struct rts_recorder *recorder = session->recorders[(*i)++];
        if (recorder)
            return recorder;
    }
    return NULL;
}

void rts_session_record_sample(struct rts_session *session, const struct rts_record *record)
{
    const struct rts_code_map *map = &session->code_map;
    int i = 0;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));) {
        struct rts_fact_process facts = rts_session_fact_process(session, map->process->instance);
        rts_recorder_sample(recorder, record, map->process, map->time, session->stack, &facts);
    }
}

void rts_session_record_side_band(struct rts_session *session, const struct rts_record *record)
{
    int i = 0;
    if (rts_session_is_own(session, record->pid))
        return;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));) {
        const struct rts_process *process =
            rts_process_find(session->processes, record->pid, record->time);
        if (process && process->target)
            rts_recorder_side_band(recorder, record);
    }
}

void rts_session_record_process(struct rts_session *session, const struct rts_fact_process *facts)
{
    int i = 0;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));)
        rts_recorder_process(recorder, facts);
}

void rts_session_record_package(const struct rts_session *session, const struct rts_object *object,
                                const char *function, const struct rts_package *package)
{
    const struct rts_recorder_package said = {
        .purl = package->purl,
        .stale = package->stale,
        .modified = package->modified,
    };
    int i = 0;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));)
        rts_recorder_package(recorder, object, function, &said);
}

void rts_session_record_names(struct rts_session *session)
{
    int i = 0;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));)
        rts_recorder_named(recorder);
}

void rts_session_record_flush(struct rts_session *session, int64_t wall_offset_ns)
{
    int i = 0;
    for (struct rts_recorder *recorder; (recorder = next_recorder(session, &i));)
        rts_recorder_flush(recorder, wall_offset_ns);
}

/* ---- their ends ---- */

int rts_session_end_segment(struct rts_session *session, struct rts_error *error)
{
    struct rts_recorder *recorder = session->recorders[RTS_SEGMENT_TRACE];
    if (!recorder)
        return rts_fail(error, RTS_FAILED, "there is no trace");
    uint64_t began_ns = session->segments->began_ns;
    struct rts_buffer refused = RTS_BUFFER_INIT;
    rts_receipt_words(&session->receipt, &refused);
    const struct rts_recorder_end end = {
        .duration_ms = (rts_clock_monotonic_ns() - began_ns) / 1000000,
        .frequency = rts_capture_facts(session->capture)->frequency,
        .command_status = -1,
        .rung = rts_rung_name(session->receipt.taken),
        .refused = refused.data,
    };
    struct rts_recorder_counts counts;
    session->recorders[RTS_SEGMENT_TRACE] = NULL;
    int result = rts_recorder_finish_open(recorder, &end, &counts, error);
    rts_buffer_finish(&refused);
    return result;
}

int rts_session_end_record(struct rts_session *session, struct rts_error *error)
{
    if (!session->recorders[RTS_RUN_TRACE])
        return 0;
    struct rts_buffer refused = RTS_BUFFER_INIT;
    rts_receipt_words(&session->receipt, &refused);
    const struct rts_recorder_end end = {
        .duration_ms = (session->ended_ns - session->started_ns) / 1000000,
        .frequency = rts_capture_facts(session->capture)->frequency,
        .command_status = session->command.ended ? session->command.status : -1,
        .rung = rts_rung_name(session->receipt.taken),
        .refused = refused.data,
    };
    int result =
        rts_recorder_finish(session->recorders[RTS_RUN_TRACE], &end, &session->recorded, error);
    rts_buffer_finish(&refused);
    session->recorders[RTS_RUN_TRACE] = NULL;
    return result;
}

void rts_session_discard_record(struct rts_session *session)
{
    rts_recorder_discard(session->recorders[RTS_RUN_TRACE]);
    session->recorders[RTS_RUN_TRACE] = NULL;
}
