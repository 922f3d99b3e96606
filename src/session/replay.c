/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "binary/file_search.h"
#include "bundle/bundle.h"
#include "capture/backend.h"
#include "recording/repeater.h"
#include "sampler/sampler.h"
#include "sampler/side_band.h"
#include "sealing/origin.h"
#include "sealing/seal.h"
#include "session/closing.h"
#include "trace/trace.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/own_memory.h"
#include "util/stop_signals.h"

/* Records between two looks at whether we are to stop. */
#define RECORDS_PER_LOOK 1024

/* Mappings and processes that ended are kept so long, by the time of the records. */
#define REAP_AFTER_NS RTS_NS_PER_S

/* The machine that recorded may have had this many CPUs; it matters for throttling only. */
#define CPUS_MAX 8192

/* Traces of perf go through the same stages as live records do, by the times in the trace. Traces
 * of our own hold what those stages made of the records, which is repeated (recording/repeater.h).
 */
struct replay {
    struct rts_line line;
    struct rts_self self;
    struct rts_trace *trace;
    struct rts_file_search *files;
    struct rts_file_finder finder;
    struct rts_capture capture; /* stands for the one that recorded; only its facts are of use */
    struct rts_repeater repeater;
    struct rts_trace_account counts;
    const char *bundle; /* the URI of the bundle that the trace is of; NULL: of none. Borrowed */
    int signals;        /* signalfd */
    bool interrupted;
    bool machine_checked; /* the trace says what machine it is of: one as ours */

    /* A trace of perf: */
    int64_t wall_offset_ns; /* wall time - the trace's clock */
    struct rts_object *vdso;
    bool vdso_tried;
    bool has_build_ids; /* in records of its mappings */
    bool began;
    uint64_t first_ns, last_ns; /* times of the records */
    uint64_t window_at;         /* when the current window began */
};

/* ---- what the trace says of itself ---- */

/* Is it of a machine as ours? What a pipe does not say before its records counts when it does. */
static int check_machine(struct replay *replay, struct rts_error *error)
{
    const char *arch = rts_trace_features(replay->trace)->arch;
    replay->machine_checked = arch != NULL;
    if (arch && strcmp(arch, replay->line.sampler.setup.arch->name) != 0)
        return rts_fail(error, RTS_FAILED,
                        "%s: the trace is from a machine of the kind %s, and this rtsample is for "
                        "%s: replay it on one of that kind",
                        rts_trace_name(replay->trace), arch, replay->line.sampler.setup.arch->name);
    return 0;
}

static uint32_t frequency_of(const struct rts_trace_event *event)
{
    bool is_clock =
        event->type == PERF_TYPE_SOFTWARE &&
        (event->config == PERF_COUNT_SW_CPU_CLOCK || event->config == PERF_COUNT_SW_TASK_CLOCK);
    if (event->frequency == 0 && is_clock && event->period > 0 && event->period <= RTS_NS_PER_S)
        return (uint32_t)(RTS_NS_PER_S / event->period);
    return event->frequency;
}

/* The times of the facts, from the clock of the records. */
static void set_wall_clock(struct replay *replay, const struct rts_trace_event *event)
{
    const struct rts_trace_features *features = rts_trace_features(replay->trace);
    if (event->has_clock_id && event->clock_id == CLOCK_REALTIME)
        return;
    if (features->has_clock_data && event->has_clock_id && event->clock_id == features->clock_id)
        replay->wall_offset_ns = (int64_t)(features->wall_ns - features->clock_ns);
    else
        rts_log("the trace does not say at what time of day it was recorded (perf record -k "
                "CLOCK_MONOTONIC makes it do so): its clock is taken to count from "
                "1970-01-01T00:00:00Z");
}

/* Nobody is burdened by a replay: the guards are those that were asked for. */
static struct rts_guard_facts limits_of(const struct rts_settings *settings)
{
    struct rts_guard_facts limits = rts_pace_limits(settings);
    if (!rts_settings_is_told(settings, "Sampler:MaxEventsPerSecond"))
        limits.max_events_per_second = 0;
    limits.max_cpu_percent = 0;
    return limits;
}

/* Before the first record that is not a note. */
static void begin(struct replay *replay, const struct rts_trace_event *event)
{
    replay->began = true;
    if (replay->repeater.has_notes)
        return;
    replay->capture.facts.frequency = frequency_of(event);
    set_wall_clock(replay, event);
    const struct rts_guard_facts limits = limits_of(replay->line.settings);
    rts_pace_open(&replay->line.sampler.pace, &limits, replay->capture.facts.frequency, NULL);
}

/* ---- records of perf ---- */

/* Ends the window when the record lies behind it. */
static void turn_window(struct replay *replay, uint64_t time)
{
    uint64_t length = (uint64_t)replay->line.settings->flush_interval_ms * 1000000;
    if (replay->window_at == 0 || time < replay->window_at)
        replay->window_at = replay->window_at == 0 ? time : replay->window_at;
    if (time < replay->window_at || time - replay->window_at < length)
        return;
    replay->window_at += (time - replay->window_at) / length * length;
    rts_line_flush(&replay->line);
    rts_line_turn(&replay->line, time > REAP_AFTER_NS ? time - REAP_AFTER_NS : 0);
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
static void set_time(struct replay *replay, const struct rts_record_layout *layout,
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

static void take_perf_record(struct replay *replay, struct rts_trace_record *record)
{
    struct rts_record *known = &record->record;
    if (record->malformed || !record->event) { /* a pipe may hold records before any event */
        rts_sampler_take_malformed(&replay->line.sampler, known->kind);
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
        turn_window(replay, known->time);
        replay->line.sampler.call_graph = call_graph_of(&record->event->layout);
        rts_sampler_take_sample(&replay->line.sampler, known);
    } else if (known->kind == RTS_RECORD_LOST && !known->lost.samples &&
               record->event->counts_losses) {
        /* Which of them were samples is told by other records. */
        replay->line.account.lost_records += known->lost.records;
    } else if (known->pid != 0) { /* the idle task, and kernel mappings have none of interest */
        rts_sampler_take_side_band(&replay->line.sampler, known);
    }
}

/* ---- files that processes of the trace had mapped ---- */

static struct rts_object *find_wanted(struct replay *replay, struct rts_wanted_file *wanted,
                                      bool *no_elf)
{
    const struct rts_build_id *known =
        rts_trace_build_ids_find(rts_trace_build_ids(replay->trace), wanted->path);
    if (wanted->build_id.size == 0 && known)
        wanted->build_id = *known;
    return rts_file_search_find(replay->files, wanted,
                                rts_trace_features(replay->trace)->os_release, no_elf);
}

static struct rts_object *find_file(void *context, const struct rts_mapping *mapping, bool *no_elf)
{
    struct replay *replay = context;
    const struct rts_mapped_file *file = mapping->file;
    struct rts_wanted_file wanted = {
        /* Where a trace has build-ids, a file without one had none, or was never looked into. */
        .by_path = !rts_trace_build_ids(replay->trace)->any && !replay->has_build_ids,
        .offset = mapping->offset,
        .size = mapping->end - mapping->start,
        .path = file->path,
        .build_id = file->build_id,
        .has_identity = file->has_identity,
        .major = file->major,
        .minor = file->minor,
        .inode = file->inode,
    };
    return find_wanted(replay, &wanted, no_elf);
}

static struct rts_object *find_vdso(void *context)
{
    struct replay *replay = context;
    struct rts_wanted_file wanted = {.path = "[vdso]"};
    bool no_elf;
    if (!replay->vdso_tried)
        replay->vdso = find_wanted(replay, &wanted, &no_elf);
    replay->vdso_tried = true;
    return replay->vdso;
}

/* ---- the run ---- */

static bool is_stopped(struct replay *replay)
{
    struct signalfd_siginfo info;
    while (read(replay->signals, &info, sizeof info) == (ssize_t)sizeof info)
        replay->interrupted |= info.ssi_signo != SIGCHLD;
    return replay->interrupted;
}

/* Waits for a pipe, or for a signal. */
static bool wait_for_trace(void *context, int fd)
{
    struct replay *replay = context;
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = replay->signals, .events = POLLIN}};
    poll(fds, 2, -1);
    return !is_stopped(replay);
}

/* The first note tells that it is a trace of our own. */
static int take_note(struct replay *replay, const struct rts_trace_record *record,
                     struct rts_error *error)
{
    int result = rts_repeater_take_note(&replay->repeater, record, error);
    if (replay->repeater.has_notes)
        replay->line.ends = RTS_LINE_ENDS_AS_TOLD;
    return result;
}

static int take_record(struct replay *replay, struct rts_trace_record *record,
                       struct rts_error *error)
{
    if (!replay->machine_checked && check_machine(replay, error) < 0)
        return -1;
    if (record->header->type == RTS_NOTE_RECORD_TYPE)
        return take_note(replay, record, error);
    if (!replay->began && record->event)
        begin(replay, record->event);
    if (!replay->repeater.has_notes)
        take_perf_record(replay, record);
    else if (record->record.kind == RTS_RECORD_SAMPLE)
        rts_repeater_take_sample(&replay->repeater, record);
    return 0;
}

/* The first record, before anything is written: it, or that there is none, may tell that this trace
 * is not to be replayed. False: the trace has no record. */
static int look_at_first(struct replay *replay, struct rts_trace_record *record, bool *there,
                         struct rts_error *error)
{
    struct rts_trace_loss loss;
    *there = rts_trace_next(replay->trace, record);
    rts_trace_loss(replay->trace, &loss);
    if (loss.all && !replay->interrupted)
        return rts_fail(error, RTS_FAILED,
                        "%s: nothing of this trace can be used: %s (offset %" PRIu64 ")",
                        rts_trace_name(replay->trace), loss.reason, loss.offset);
    if (!*there || record->header->type != RTS_NOTE_RECORD_TYPE)
        return check_machine(replay, error);
    if (take_record(replay, record, error) < 0)
        return -1;
    *there = rts_trace_next(replay->trace, record);
    return 0;
}

static int take_records(struct replay *replay, struct rts_trace_record *record, bool there,
                        struct rts_error *error)
{
    for (unsigned number = 1; there; number++) {
        if (number % RECORDS_PER_LOOK == 0 && is_stopped(replay))
            break;
        if (take_record(replay, record, error) < 0)
            return -1;
        if (replay->line.outlets.lines.broken)
            break;
        there = rts_trace_next(replay->trace, record);
    }
    return 0;
}

/* perf reads the two clocks before it opens its events, so that no record is older; in a time
 * namespace it reads another clock than that of the records. (Its records may be younger by any
 * time, so that an offset the other way round is not known.) */
static void say_clocks(const struct replay *replay)
{
    const struct rts_trace_features *features = rts_trace_features(replay->trace);
    if (!replay->repeater.has_notes && replay->wall_offset_ns != 0 && replay->first_ns != 0 &&
        replay->first_ns + RTS_NS_PER_S <= features->clock_ns)
        rts_log(
            "the trace was recorded in a time namespace, whose clock is not that of its records: "
            "observedAt is off by the offset of that, %llu s or more",
            (features->clock_ns - replay->first_ns) / RTS_NS_PER_S);
}

/* What was not read; the facts are those of the rest. */
static void say_losses(const struct replay *replay)
{
    struct rts_trace_loss loss;
    rts_trace_loss(replay->trace, &loss);
    if (replay->interrupted)
        rts_log("interrupted: the facts are those of the part that was read");
    else if (loss.bytes > 0)
        rts_log("%s (offset %" PRIu64 "): the last %" PRIu64 " bytes of the trace are not used",
                loss.reason, loss.offset, loss.bytes);
    else if (loss.reason[0])
        rts_log("%s (offset %" PRIu64 ")", loss.reason, loss.offset);
    else if (replay->repeater.has_notes && !replay->repeater.has_end)
        rts_log("the trace has no end: its recording was cut off");
    if (loss.late > 0)
        rts_log("%" PRIu64 " records came too late to be put in order", loss.late);
    const struct rts_file_counts *files = rts_file_search_counts(replay->files);
    if (files->by_path > 0)
        rts_log("the trace has no build-ids: files below %s were taken by their paths (%" PRIu64
                "), and their facts say so (metadata.fileIdentity)",
                replay->line.settings->symfs, files->by_path);
    if (replay->repeater.unrecorded > 0)
        rts_log("%" PRIu64 " samples are not in the trace, which had reached its limit",
                replay->repeater.unrecorded);
    if (replay->repeater.bad_notes > 0)
        rts_log("%" PRIu64 " notes in the trace are damaged", replay->repeater.bad_notes);
    say_clocks(replay);
}

static bool is_whole(const struct rts_trace_account *trace)
{
    return trace->unread_bytes + trace->late_records + trace->unknown_events +
               trace->files_missing + trace->files_different + trace->files_unknown +
               trace->files_by_path ==
           0;
}

static void count_trace(struct replay *replay)
{
    const struct rts_file_counts *files = rts_file_search_counts(replay->files);
    struct rts_trace_loss loss;
    rts_trace_loss(replay->trace, &loss);
    replay->counts = (struct rts_trace_account){
        .unread_bytes = loss.bytes,
        .late_records = loss.late,
        .unknown_events = loss.unknown_ids,
        .files_found = files->found,
        .files_by_path = files->by_path,
        .files_missing = files->missing,
        .files_different = files->different,
        .files_unknown = files->unknown,
    };
}

/* What --stats says of the run that is recorded. */
static void describe(void *context, struct rts_run_facts *run)
{
    struct replay *replay = context;
    const struct rts_repeater *told = &replay->repeater;
    count_trace(replay);
    /* What is repeated whole has the account of the run itself. */
    run->trace = told->has_notes && is_whole(&replay->counts) ? NULL : &replay->counts;
    if (!told->has_notes)
        return;
    run->guard = told->recorded.known ? &told->recorded.guard : NULL;
    run->method = told->method ? told->method : run->method;
    run->config_sha256 = told->config_sha256 ? told->config_sha256 : run->config_sha256;
    run->frequency = (uint32_t)told->frequency;
    run->gave_up = told->gave_up;
    run->rung = told->rung;
    run->refused = told->refused;
    run->has_command = told->has_command;
    run->command_status = told->command_status;
    run->recorded_bytes = rts_trace_size(replay->trace);
    run->recorded_samples = replay->line.account.samples_kept;
    run->unrecorded_samples = told->unrecorded;
    run->duration_ms = told->has_end ? told->duration_ms : run->duration_ms;
}

static int end_target(void *context, struct rts_error *error)
{
    (void)context;
    (void)error;
    return 0;
}

static int say_unseen(void *context, struct rts_error *error)
{
    const struct replay *replay = context;
    (void)error;
    if (rts_account_taken(&replay->line.account) == 0)
        rts_log("the trace has no samples of processes");
    return 0;
}

static int close_run(struct replay *replay, struct rts_error *error)
{
    const struct rts_closing closing = {
        .context = replay,
        .config_sha256 = replay->repeater.config_sha256,
        .end_target = end_target,
        .say_unseen = say_unseen,
        .describe = describe,
    };
    int result = rts_close(&replay->line, &closing, error);
    if (result == 0 && replay->interrupted)
        return rts_fail(error, RTS_FAILED, "the replay was interrupted");
    return result;
}

static void take_times(struct replay *replay)
{
    struct rts_line *line = &replay->line;
    line->started_ns = replay->first_ns;
    line->ended_ns = replay->last_ns;
    if (replay->repeater.has_end)
        line->ended_ns = line->started_ns + replay->repeater.duration_ms * 1000000;
}

static int run(struct replay *replay, struct rts_error *error)
{
    struct rts_line *line = &replay->line;
    struct rts_trace_record record;
    bool there;
    if (check_machine(replay, error) < 0 || rts_line_load_graph(line, error) < 0 ||
        rts_line_choose_unwinder(line, error) < 0 ||
        look_at_first(replay, &record, &there, error) < 0 ||
        rts_line_open_outlets(line, RTS_DELIVER_FILES, false, replay->bundle, error) < 0)
        return -1;
    rts_seal(RTS_SEAL_REPLAY, 0, NULL);
    if (take_records(replay, &record, there, error) < 0)
        return -1;
    take_times(replay);
    if (!replay->repeater.has_notes)
        rts_sampler_end_throttling(&line->sampler, replay->last_ns);
    if (!replay->repeater.has_notes || !replay->repeater.has_end)
        rts_line_flush(line);
    say_losses(replay);
    return close_run(replay, error);
}

static void destroy_nothing(struct rts_capture *capture)
{
    (void)capture;
}

/* Opens the trace at `path`, or in the bundle that this is the name of, whose URI goes to *uri. */
static struct rts_trace *open_trace(struct replay *replay, const char *path, const char *directory,
                                    char uri[RTS_BUNDLE_URI_SIZE], struct rts_error *error)
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

static int64_t wall_offset(void *context)
{
    const struct replay *replay = context;
    return replay->repeater.has_notes ? replay->repeater.wall_offset_ns : replay->wall_offset_ns;
}

static uint64_t sampled_ms(void *context)
{
    const struct replay *replay = context;
    return (replay->last_ns - replay->first_ns) / 1000000;
}

static void init_line(struct replay *replay, const struct rts_settings *settings)
{
    const struct rts_line_setup setup = {
        .settings = settings,
        .sampler = {.arch = rts_architecture_native(),
                    .self = &replay->self,
                    .finder = &replay->finder,
                    .call_graph = settings->call_graph,
                    .cpu_count = CPUS_MAX,
                    .pc_is_enough = true},
        .packages = {&replay->repeater.packages, rts_repeated_packages_find},
        .clock = {replay, wall_offset, sampled_ms},
        .ends = RTS_LINE_NAMES_EARLY,
    };
    rts_line_init(&replay->line, &setup);
    replay->line.sampler.capture = &replay->capture;
    replay->self.capture = &replay->capture;
    replay->line.sampler.pace.limits = limits_of(settings);
}

static void kept(void *context, const struct rts_kept *kept)
{
    rts_line_keep(&((struct replay *)context)->line, kept);
}

static void named(void *context)
{
    rts_line_name_stacks(&((struct replay *)context)->line);
}

static void flushed(void *context)
{
    struct rts_line *line = &((struct replay *)context)->line;
    rts_line_flush(line);
    rts_line_turn(line, 0);
}

static int open_trace_and_files(struct replay *replay, const char *path,
                                char uri[RTS_BUNDLE_URI_SIZE], struct rts_error *error)
{
    const struct rts_settings *settings = replay->line.settings;
    replay->files =
        rts_file_search_create(replay->line.objects, settings->symfs, settings->search, error);
    if (!replay->files)
        return -1;
    const struct rts_repeater_setup repeater = {
        .settings = settings,
        .processes = replay->line.sampler.processes,
        .account = &replay->line.account,
        .files = replay->files,
        .sink = {replay, kept, named, flushed},
    };
    rts_repeater_init(&replay->repeater, &repeater);
    replay->trace = open_trace(replay, path, settings->cas_directory, uri, error);
    if (!replay->trace && replay->interrupted)
        return rts_fail(error, RTS_FAILED, "interrupted before the trace began");
    return replay->trace ? 0 : -1;
}

int rts_session_replay(const struct rts_settings *settings, const char *path,
                       struct rts_error *error)
{
    static const struct rts_capture_backend backend = {.destroy = destroy_nothing};
    struct replay replay = {
        .self = {.pid = INT32_MIN, .memory = rts_own_memory_open()},
        .capture = {.backend = &backend, .facts = {.method = "replay"}},
        .finder = {&replay, find_file, find_vdso},
        .signals = rts_stop_signals_open(),
    };
    char uri[RTS_BUNDLE_URI_SIZE];
    struct rts_origin origin;
    rts_origin_leave(&origin);
    init_line(&replay, settings);
    int result = open_trace_and_files(&replay, path, uri, error);
    if (result == 0)
        result = run(&replay, error);
    rts_line_finish(&replay.line);
    rts_repeater_finish(&replay.repeater);
    rts_file_search_destroy(replay.files);
    rts_trace_close(replay.trace);
    if (replay.self.memory >= 0)
        close(replay.self.memory);
    if (replay.signals >= 0)
        close(replay.signals);
    return result;
}
