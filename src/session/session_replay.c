/* SPDX-License-Identifier: Apache-2.0 */
/* A run whose records come from a trace. */
#include "session/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "session/replay.h"
#include "trace/bundle.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/own_memory.h"

/* Records between two looks at whether we are to stop. */
#define RECORDS_PER_LOOK 1024

/* Mappings and processes that ended are kept so long, by the time of the records. */
#define REAP_AFTER_NS 1000000000ULL

/* The machine that recorded may have had this many CPUs; it matters for throttling only. */
#define CPUS_MAX 8192

#define SECOND_NS 1000000000ULL

/* ---- what the trace says of itself ---- */

/* Is it of a machine as ours? What a pipe does not say before its records counts when it does. */
static int check_machine(struct rts_session *session, struct rts_error *error)
{
    const char *arch = rts_trace_features(session->replay->trace)->arch;
    session->replay->machine_checked = arch != NULL;
    if (arch && strcmp(arch, session->arch->name) != 0)
        return rts_fail(
            error, RTS_FAILED,
            "%s: the trace is of a machine of the kind %s, and this rtsample is for %s: "
            "replay it on one of its own kind",
            rts_trace_name(session->replay->trace), arch, session->arch->name);
    return 0;
}

static uint32_t frequency_of(const struct rts_trace_event *event)
{
    bool is_clock =
        event->type == PERF_TYPE_SOFTWARE &&
        (event->config == PERF_COUNT_SW_CPU_CLOCK || event->config == PERF_COUNT_SW_TASK_CLOCK);
    if (event->frequency == 0 && is_clock && event->period > 0 && event->period <= SECOND_NS)
        return (uint32_t)(SECOND_NS / event->period);
    return event->frequency;
}

/* The times of the facts, from the clock of the records. */
static void set_wall_clock(struct rts_replay *replay, const struct rts_trace_event *event)
{
    const struct rts_trace_features *features = rts_trace_features(replay->trace);
    if (event->has_clock_id && event->clock_id == CLOCK_REALTIME)
        return;
    if (features->has_clock_data && event->has_clock_id && event->clock_id == features->clock_id)
        replay->wall_offset_ns = (int64_t)(features->wall_ns - features->clock_ns);
    else
        rts_log("the trace does not say at what time of day it was recorded (perf record -k "
                "CLOCK_MONOTONIC would): its clock is taken to count from 1970-01-01T00:00:00Z");
}

/* Before the first record that is not a note. */
static void begin(struct rts_session *session, const struct rts_trace_event *event)
{
    struct rts_replay *replay = session->replay;
    replay->began = true;
    if (replay->has_notes)
        return;
    replay->capture.facts.frequency = frequency_of(event);
    set_wall_clock(replay, event);
    rts_session_open_guard(session);
}

/* ---- records of perf ---- */

/* Ends the window when the record lies behind it. */
static void turn_window(struct rts_session *session, uint64_t time)
{
    struct rts_replay *replay = session->replay;
    uint64_t length = (uint64_t)session->settings->flush_interval_ms * 1000000;
    if (replay->window_at == 0 || time < replay->window_at)
        replay->window_at = replay->window_at == 0 ? time : replay->window_at;
    if (time < replay->window_at || time - replay->window_at < length)
        return;
    replay->window_at += (time - replay->window_at) / length * length;
    rts_session_flush(session);
    rts_session_update_metrics(session);
    uint64_t horizon = time > REAP_AFTER_NS ? time - REAP_AFTER_NS : 0;
    rts_session_trim(session, horizon);
}

static enum rts_call_graph call_graph_of(const struct rts_record_layout *layout)
{
    const uint64_t copies = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    if ((layout->sample_type & copies) == copies)
        return RTS_CALL_GRAPH_DWARF;
    return layout->sample_type & PERF_SAMPLE_CALLCHAIN ? RTS_CALL_GRAPH_FP : RTS_CALL_GRAPH_NONE;
}

/* Where records have no times, as with kernels and options of old, they get some by their order in
 * the trace. What comes before any time tells what was so before the recording began. */
static void set_time(struct rts_replay *replay, const struct rts_record_layout *layout,
                     struct rts_record *record)
{
    bool timed = layout->sample_type & PERF_SAMPLE_TIME;
    bool is_sample = record->kind == RTS_RECORD_SAMPLE;
    if (timed && (is_sample || layout->sample_id_all || record->time != 0))
        return;
    if (is_sample || replay->last_ns > 0)
        record->time = replay->last_ns + 1;
    else
        record->time = 0;
}

static void take_perf_record(struct rts_session *session, struct rts_trace_record *record)
{
    struct rts_replay *replay = session->replay;
    struct rts_record *known = &record->record;
    if (record->malformed || !record->event) { /* a pipe may hold records before any event */
        rts_session_take_malformed(session, known->kind);
        return;
    }
    set_time(replay, &record->event->layout, known);
    if (known->time != 0 && known->time != UINT64_MAX) {
        if (replay->first_ns == 0)
            replay->first_ns = known->time;
        if (known->time > replay->last_ns)
            replay->last_ns = known->time;
    }
    replay->has_build_ids |= known->kind == RTS_RECORD_MMAP && known->mmap.build_id.size > 0;
    if (known->kind == RTS_RECORD_SAMPLE) {
        turn_window(session, known->time);
        session->call_graph = call_graph_of(&record->event->layout);
        rts_session_take_sample(session, known);
    } else if (known->kind == RTS_RECORD_LOST && !known->lost.samples &&
               record->event->counts_losses) {
        /* Which of them were samples is told by other records. */
        session->account.lost_records += known->lost.records;
    } else if (known->pid != 0) { /* the idle task, and kernel mappings have none of interest */
        rts_session_take_side_band(session, known);
    }
}

/* ---- the run ---- */

static bool is_stopped(struct rts_replay *replay)
{
    struct signalfd_siginfo info;
    while (read(replay->signals, &info, sizeof info) == (ssize_t)sizeof info)
        replay->interrupted |= info.ssi_signo != SIGCHLD;
    return replay->interrupted;
}

/* Waits for a pipe, or for a signal. */
static bool wait_for_trace(void *context, int fd)
{
    struct rts_replay *replay = context;
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = replay->signals, .events = POLLIN}};
    poll(fds, 2, -1);
    return !is_stopped(replay);
}

static int take_record(struct rts_session *session, struct rts_trace_record *record,
                       struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    if (!replay->machine_checked && check_machine(session, error) < 0)
        return -1;
    if (record->header->type == RTS_NOTE_RECORD_TYPE)
        return rts_session_take_note(session, record, error);
    if (!replay->began && record->event)
        begin(session, record->event);
    if (!replay->has_notes)
        take_perf_record(session, record);
    else if (record->record.kind == RTS_RECORD_SAMPLE)
        rts_session_take_noted_sample(session, record);
    return 0;
}

/* The first record, before anything is written: it, or that there is none, may tell that this trace
 * is not to be replayed. False: the trace has no record. */
static int look_at_first(struct rts_session *session, struct rts_trace_record *record, bool *there,
                         struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    struct rts_trace_loss loss;
    *there = rts_trace_next(replay->trace, record);
    rts_trace_loss(replay->trace, &loss);
    if (loss.all && !replay->interrupted)
        return rts_fail(error, RTS_FAILED,
                        "%s: nothing of this trace can be used: %s (offset %" PRIu64 ")",
                        rts_trace_name(replay->trace), loss.reason, loss.offset);
    if (!*there || record->header->type != RTS_NOTE_RECORD_TYPE)
        return check_machine(session, error);
    if (take_record(session, record, error) < 0)
        return -1;
    *there = rts_trace_next(replay->trace, record);
    return 0;
}

static int take_records(struct rts_session *session, struct rts_trace_record *record, bool there,
                        struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    for (unsigned number = 1; there; number++) {
        if (number % RECORDS_PER_LOOK == 0 && is_stopped(replay))
            break;
        if (take_record(session, record, error) < 0)
            return -1;
        if (session->sink_broken)
            break;
        there = rts_trace_next(replay->trace, record);
    }
    return 0;
}

/* perf reads the two clocks before it opens its events, so that no record is older; in a time
 * namespace it reads another clock than that of the records. (Its records may be younger by any
 * time, so that an offset the other way round is not known.) */
static void say_clocks(const struct rts_replay *replay)
{
    const struct rts_trace_features *features = rts_trace_features(replay->trace);
    if (!replay->has_notes && replay->wall_offset_ns != 0 && replay->first_ns != 0 &&
        replay->first_ns + SECOND_NS <= features->clock_ns)
        rts_log(
            "the trace was recorded in a time namespace, whose clock is not that of its records: "
            "observedAt is off by the offset of that, %llu s or more",
            (features->clock_ns - replay->first_ns) / SECOND_NS);
}

/* What was not read; the facts are those of the rest. */
static void say_losses(const struct rts_session *session)
{
    const struct rts_replay *replay = session->replay;
    struct rts_trace_loss loss;
    rts_trace_loss(replay->trace, &loss);
    if (replay->interrupted)
        rts_log("interrupted: the facts are those of the part that was read");
    else if (loss.bytes > 0)
        rts_log("%s (offset %" PRIu64 "): the last %" PRIu64 " bytes of the trace are not used",
                loss.reason, loss.offset, loss.bytes);
    else if (loss.reason[0])
        rts_log("%s (offset %" PRIu64 ")", loss.reason, loss.offset);
    else if (replay->has_notes && !replay->has_end)
        rts_log("the trace has no end: its recording was cut off");
    if (loss.late > 0)
        rts_log("%" PRIu64 " records came too late to be put in order", loss.late);
    const struct rts_file_counts *files = rts_file_search_counts(replay->files);
    if (files->by_path > 0)
        rts_log("the trace has no build-ids: files below %s were taken by their paths (%" PRIu64
                "), and their facts say so (metadata.fileIdentity)",
                session->settings->symfs, files->by_path);
    if (replay->unrecorded > 0)
        rts_log("%" PRIu64 " samples are not in the trace, which had reached its limit",
                replay->unrecorded);
    if (replay->bad_notes > 0)
        rts_log("%" PRIu64 " notes in the trace are damaged", replay->bad_notes);
    say_clocks(replay);
}

static bool is_whole(const struct rts_trace_account *trace)
{
    return trace->unread_bytes + trace->late_records + trace->unknown_events +
               trace->files_missing + trace->files_different + trace->files_unknown +
               trace->files_by_path ==
           0;
}

void rts_replay_describe(const struct rts_session *session, struct rts_run_facts *run,
                         struct rts_trace_account *trace)
{
    const struct rts_replay *replay = session->replay;
    const struct rts_file_counts *files = rts_file_search_counts(replay->files);
    struct rts_trace_loss loss;
    rts_trace_loss(replay->trace, &loss);
    *trace = (struct rts_trace_account){
        .unread_bytes = loss.bytes,
        .late_records = loss.late,
        .unknown_events = loss.unknown_ids,
        .files_found = files->found,
        .files_by_path = files->by_path,
        .files_missing = files->missing,
        .files_different = files->different,
        .files_unknown = files->unknown,
    };
    /* What is repeated whole has the account of the run itself. */
    run->trace = replay->has_notes && is_whole(trace) ? NULL : trace;
    if (!replay->has_notes)
        return;
    run->guard = replay->recorded.known ? &replay->recorded.guard : NULL;
    run->method = replay->method ? replay->method : run->method;
    run->config_sha256 = replay->config_sha256 ? replay->config_sha256 : run->config_sha256;
    run->frequency = (uint32_t)replay->frequency;
    run->gave_up = replay->gave_up;
    run->rung = replay->rung;
    run->refused = replay->refused;
    run->has_command = replay->has_command;
    run->command_status = replay->command_status;
    run->recorded_bytes = rts_trace_size(replay->trace);
    run->recorded_samples = session->account.samples_kept;
    run->unrecorded_samples = replay->unrecorded;
    run->duration_ms = replay->has_end ? replay->duration_ms : run->duration_ms;
}

static int run(struct rts_session *session, struct rts_error *error)
{
    struct rts_replay *replay = session->replay;
    struct rts_trace_record record;
    bool there;
    if (check_machine(session, error) < 0 || rts_session_load_graph(session, error) < 0 ||
        look_at_first(session, &record, &there, error) < 0 ||
        rts_session_open_outputs(session, error) < 0)
        return -1;
    rts_session_seal(session);
    if (take_records(session, &record, there, error) < 0)
        return -1;
    session->started_ns = replay->first_ns;
    session->ended_ns = replay->last_ns;
    if (replay->has_end)
        session->ended_ns = session->started_ns + replay->duration_ms * 1000000;
    if (!replay->has_notes)
        rts_session_end_throttling(session, replay->last_ns);
    if (!replay->has_notes || !replay->has_end)
        rts_session_flush(session);
    say_losses(session);
    int result = rts_session_report(session, error);
    if (result == 0 && replay->interrupted)
        return rts_fail(error, RTS_FAILED, "the replay was interrupted");
    return result;
}

static void destroy_nothing(struct rts_capture *capture)
{
    (void)capture;
}

/* Opens the trace at `path`, or in the bundle that this is the name of, whose URI goes to *uri. */
static struct rts_trace *open_trace(struct rts_replay *replay, const char *path,
                                    const char *directory, char uri[RTS_BUNDLE_URI_SIZE],
                                    struct rts_error *error)
{
    const struct rts_trace_options options = {.wait = wait_for_trace, .context = replay};
    char sha256[RTS_SHA256_HEX_SIZE];
    if (!rts_bundle_is_name(path))
        return rts_trace_open(path, &options, error);
    int fd = rts_bundle_open(path, directory, sha256, error);
    if (fd < 0)
        return NULL;
    rts_bundle_uri(sha256, uri);
    replay->bundle = uri;
    return rts_trace_open_fd(fd, path, error);
}

int rts_session_replay(const struct rts_settings *settings, const char *path,
                       struct rts_error *error)
{
    static const struct rts_capture_backend backend = {.destroy = destroy_nothing};
    struct rts_replay replay = {
        .capture = {.backend = &backend, .facts = {.method = "replay"}},
        .command_status = -1,
        .signals = rts_session_open_signals(),
    };
    rts_replay_open_finder(&replay);
    struct rts_session session = {
        .settings = settings,
        .arch = rts_architecture_native(),
        .own_memory = rts_own_memory_open(),
        .own_pid = INT32_MIN, /* nobody's: a record that says no process has -1 */
        .command = RTS_COMMAND_INIT,
        .capture = &replay.capture,
        .replay = &replay,
        .cpu_count = CPUS_MAX,
    };
    char uri[RTS_BUNDLE_URI_SIZE];
    rts_origin_leave(&session.origin);
    rts_session_open_stages(&session);
    session.code_map.finder = &replay.finder;
    replay.files =
        rts_file_search_create(session.objects, settings->symfs, settings->search, error);
    replay.trace =
        replay.files ? open_trace(&replay, path, settings->cas_directory, uri, error) : NULL;
    int result = replay.trace ? run(&session, error) : -1;
    if (!replay.trace && replay.interrupted)
        rts_fail(error, RTS_FAILED, "interrupted before the trace began");
    rts_session_close_outputs(&session);
    rts_session_close_stages(&session);
    rts_replay_finish_notes(&session);
    rts_file_search_destroy(replay.files);
    rts_trace_close(replay.trace);
    if (replay.signals >= 0)
        close(replay.signals);
    return result;
}
