/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of the run: when it begins and ends, and what is taken into it. */
#include "session.h"

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
    const struct rts_settings *settings = session->settings;
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    return (struct rts_trace_format){
        .period_ns = SECOND_NS / facts->frequency,
        .user_only = facts->gave_up & RTS_FEATURE_KERNEL_SIDE,
        .monotonic = !(facts->gave_up & RTS_FEATURE_CLOCK_ID),
        .full = settings->record_full && settings->call_graph == RTS_CALL_GRAPH_DWARF,
        .user_registers = session->arch->perf_registers,
        .stack_bytes = facts->stack_bytes,
        .limit = settings->record_limit_bytes,
        .started_ns = session->started_ns,
        .wall_offset_ns = rts_clock_wall_offset_ns(),
    };
}

int rts_session_open_record(struct rts_session *session, struct rts_error *error)
{
    const struct rts_settings *settings = session->settings;
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    if (!settings->record_path)
        return 0;
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
    };
    const struct rts_trace_format format = format_of(session);
    session->recorder = rts_recorder_open(settings->record_path, &format, &run, &session->account,
                                          rts_process_table_root(session->processes), error);
    rts_buffer_finish(&gave_up);
    rts_buffer_finish(&refused);
    return session->recorder ? 0 : -1;
}

void rts_session_record_sample(struct rts_session *session, const struct rts_record *record)
{
    if (!session->recorder)
        return;
    const struct rts_code_map *map = &session->code_map;
    struct rts_fact_process facts = rts_session_fact_process(session, map->process->instance);
    rts_recorder_sample(session->recorder, record, map->process, map->time, session->stack, &facts);
}

void rts_session_record_side_band(struct rts_session *session, const struct rts_record *record)
{
    if (!session->recorder || record->pid == session->own_pid)
        return;
    const struct rts_process *process =
        rts_process_find(session->processes, record->pid, record->time);
    if (process && process->target)
        rts_recorder_side_band(session->recorder, record);
}

int rts_session_end_record(struct rts_session *session, bool whole, struct rts_error *error)
{
    const struct rts_recorder_end end = {
        .duration_ms = (session->ended_ns - session->started_ns) / 1000000,
        .frequency = rts_capture_facts(session->capture)->frequency,
        .command_status = session->command.ended ? session->command.status : -1,
    };
    int result =
        rts_recorder_finish(session->recorder, whole ? &end : NULL, &session->recorded, error);
    session->recorder = NULL;
    return result;
}
