/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

/* Objects that are kept for the next process when no running one maps them. */
#define IDLE_OBJECTS_MAX 256

/* Records of a drain are at most this much older than those of the drain before it. */
#define REAP_AFTER_NS 1000000000ULL

#define SECOND_NS 1000000000ULL

/* ---- records in ---- */

/* Fills the session's stack from one sample. */
static void unwind_sample(struct rts_session *session, const struct rts_record *record,
                          const struct rts_registers *registers)
{
    const struct rts_sample *sample = &record->sample;
    const struct rts_code_finder finder = {&session->code_map, rts_code_map_find};
    uint64_t pc = registers->value[session->arch->program_counter];
    uint64_t sp = registers->value[session->arch->stack_pointer];
    if (sample->register_abi != PERF_SAMPLE_REGS_ABI_64) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_ABI, session->stack);
    } else if (session->settings->call_graph == RTS_CALL_GRAPH_NONE) {
        rts_unwind_leaf(&finder, pc, RTS_STOP_NOT_TAKEN, session->stack);
    } else if (session->settings->call_graph == RTS_CALL_GRAPH_FP && sample->callchain_size > 0) {
        rts_unwind_chain(session->rules, &finder, sample->callchain, sample->callchain_size,
                         session->stack);
    } else {
        struct rts_memory memory = {
            .address = sp,
            .bytes = sample->stack,
            .size = sample->stack_size,
            .cut = sample->stack_size == sample->stack_asked,
        };
        rts_unwind_stack(session->arch, session->rules, &finder, registers, &memory,
                         session->stack);
    }
    if (session->stack->count == 0) /* a callchain without a user side */
        rts_unwind_leaf(&finder, pc, RTS_STOP_BROKEN_CHAIN, session->stack);
}

/* A pc that nothing is mapped at means that we missed something: a process first heard of by its
 * sample, or records that the kernel lost. Then its maps are read once more. */
static bool missed_mappings(const struct rts_session *session)
{
    return session->stack->kinds[0] == RTS_CODE_NONE || session->stack->stop == RTS_STOP_BAD_RETURN;
}

/* A sample that hit inside execve(), after the old image was taken down and before the new one
 * runs: its registers are still the caller's. */
static bool is_inside_exec(const struct rts_session *session, const struct rts_record *record)
{
    const struct rts_process *process = session->code_map.process;
    return record->sample.kernel_mode && record->sample.stack_size == 0 && process->older &&
           process->older->died_ns == process->born_ns && session->stack->kinds[0] == RTS_CODE_NONE;
}

/* Unwinds a sample of session->code_map.process, and once more when it turns out that something was
 * missed. */
static void unwind_in_process(struct rts_session *session, const struct rts_record *record,
                              const struct rts_registers *registers)
{
    struct rts_code_map *map = &session->code_map;
    unwind_sample(session, record, registers);
    if (is_inside_exec(session, record)) {
        map->time = map->process->born_ns - 1;
        map->process = map->process->older;
        unwind_sample(session, record, registers);
    } else if (missed_mappings(session) &&
               rts_process_refresh(session->processes, map->process, record->time)) {
        unwind_sample(session, record, registers);
    }
    /* Nothing can be said of code whose mappings we may not see. */
    if (session->stack->stop == RTS_STOP_BAD_RETURN && !map->process->maps_known)
        session->stack->stop = RTS_STOP_NO_FILE;
}

static struct rts_process *process_of(struct rts_session *session, const struct rts_record *record)
{
    struct rts_process *process = rts_process_find(session->processes, record->pid, record->time);
    if (!process)
        rts_process_attach(session->processes, record->pid, &process, NULL);
    else if (!process->maps_known)
        rts_process_refresh(session->processes, process, record->time);
    return process;
}

static void account_stack(struct rts_session *session)
{
    const struct rts_stack *stack = session->stack;
    struct rts_account *account = &session->account;
    account->stops[stack->stop]++;
    for (uint32_t i = 0; i < stack->count; i++) {
        account->frames_by_unwinder[stack->frames[i].unwinder]++;
        if (stack->kinds[i] == RTS_CODE_ANONYMOUS)
            account->unnamed_anonymous++;
        else if (stack->kinds[i] != RTS_CODE_OBJECT)
            account->unnamed_no_file++;
    }
}

static void take_sample(void *context, const struct rts_record *record)
{
    struct rts_session *session = context;
    if (record->pid == session->own_pid) {
        session->account.own++;
        return;
    }
    if (record->pid <= 0 || !record->sample.registers) {
        session->account.no_user_side++;
        return;
    }
    struct rts_registers registers;
    rts_registers_from_perf(session->arch, record->sample.registers, record->sample.kernel_mode,
                            &registers);
    session->code_map.process = process_of(session, record);
    session->code_map.time = record->time;
    unwind_in_process(session, record, &registers);

    session->account.samples_kept++;
    session->account.kernel_side += record->sample.kernel_mode;
    if (!session->code_map.process->counted) {
        session->code_map.process->counted = true;
        session->account.processes++;
    }
    account_stack(session);
    rts_stack_table_add(session->stacks, session->code_map.process->instance, record->time,
                        session->stack->frames, session->stack->count);
}

/* Samples that did not happen because the kernel switched the event off from `since` to `until`. */
static void account_throttled(struct rts_session *session, uint64_t since, uint64_t until)
{
    uint32_t frequency = rts_capture_facts(session->capture)->frequency;
    if (until > since)
        session->account.dropped[RTS_DROP_THROTTLED] += (until - since) * frequency / SECOND_NS;
}

static void take_throttle(struct rts_session *session, const struct rts_record *record)
{
    if (record->cpu >= session->cpu_count)
        return;
    uint64_t *since = &session->throttled_since[record->cpu];
    if (record->kind == RTS_RECORD_THROTTLE) {
        if (*since == 0)
            *since = record->time;
    } else if (*since != 0) {
        account_throttled(session, *since, record->time);
        *since = 0;
    }
}

static void take_mmap(struct rts_session *session, const struct rts_record *record)
{
    const struct rts_mmap_record *map = &record->mmap;
    if (!map->executable || map->start + map->size < map->start)
        return;
    struct rts_mapping mapping = {
        .start = map->start,
        .end = map->start + map->size,
        .offset = map->offset,
    };
    struct rts_mapped_file file = {
        .path = (char *)(uintptr_t)map->path, /* copied, never written to */
        .has_identity = map->has_identity,
        .major = map->major,
        .minor = map->minor,
        .inode = map->inode,
        .build_id = map->build_id,
    };
    rts_process_mapped(session->processes, record->pid, record->time, &mapping, &file);
}

static void take_side_band(void *context, const struct rts_record *record)
{
    struct rts_session *session = context;
    switch (record->kind) {
    case RTS_RECORD_MMAP: take_mmap(session, record); break;
    case RTS_RECORD_COMM:
        /* A thread's name is not its process's. */
        if (record->comm.exec || record->pid == record->tid)
            rts_process_renamed(session->processes, record->pid, record->time, record->comm.name,
                                record->comm.exec);
        break;
    case RTS_RECORD_FORK:
        rts_process_forked(session->processes, record->task.parent_pid, record->pid, record->time);
        break;
    case RTS_RECORD_EXIT:
        rts_process_thread_exited(session->processes, record->pid, record->tid, record->time);
        session->exit_seen = true;
        break;
    case RTS_RECORD_LOST:
        session->account.dropped[RTS_DROP_KERNEL_LOST] += record->lost.records;
        break;
    case RTS_RECORD_THROTTLE:
    case RTS_RECORD_UNTHROTTLE: take_throttle(session, record); break;
    default: break;
    }
}

static void take_malformed(void *context)
{
    struct rts_session *session = context;
    session->account.dropped[RTS_DROP_MALFORMED]++;
}

static void drain(struct rts_session *session)
{
    if (!session->wall_offset_known)
        session->wall_offset_ns = rts_clock_wall_offset_ns();
    const struct rts_capture_sink sink = {session, take_side_band, take_sample, take_malformed};
    rts_capture_drain(session->capture, &sink);
}

/* ---- the loop ---- */

struct loop {
    int signals; /* signalfd */
    struct pollfd *fds;
    size_t fd_count;
    uint64_t flush_at, second_at, deadline;
    bool done;
};

/* Waits until there is something to do, a tenth of a second at most. */
static void wait_for_records(struct rts_session *session, struct loop *loop)
{
    uint64_t now = rts_clock_monotonic_ns();
    int timeout = rts_capture_interval_ms(session->capture);
    if (loop->deadline != UINT64_MAX) {
        uint64_t left_ms = loop->deadline > now ? (loop->deadline - now) / 1000000 + 1 : 0;
        if (left_ms < (uint64_t)timeout)
            timeout = (int)left_ms;
    }
    poll(loop->fds, (nfds_t)loop->fd_count, timeout);
}

static void take_signals(struct rts_session *session, struct loop *loop)
{
    struct signalfd_siginfo info;
    while (read(loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue; /* the command is asked for in any case */
        loop->done = true;
        /* The terminal sends its signal to the command as well; a person's kill does not. */
        bool from_a_process = info.ssi_code <= 0;
        if (session->command.pid > 0 && !session->command.ended && from_a_process)
            kill(session->command.pid, (int)info.ssi_signo);
    }
}

static void draw_status(struct rts_session *session, uint64_t now)
{
    const struct rts_account *account = &session->account;
    struct rts_status status = {
        .elapsed_ms = (now - session->started_ns) / 1000000,
        .samples = account->samples_kept,
        .dropped = rts_account_taken(account) - account->samples_kept,
        .complete = account->stops[RTS_STOP_COMPLETE],
    };
    rts_status_line_draw(&session->status_line, &status);
}

static void every_second(struct rts_session *session, struct loop *loop, uint64_t now)
{
    if (now < loop->second_at)
        return;
    loop->second_at = now + SECOND_NS;
    draw_status(session, now);
    rts_session_measure_self(session);
    if (rts_session_target_ended(session, true))
        loop->done = true;
}

static void every_window(struct rts_session *session, struct loop *loop, uint64_t now)
{
    if (now < loop->flush_at)
        return;
    loop->flush_at = now + (uint64_t)session->settings->flush_interval_ms * 1000000;
    rts_session_flush(session);
    rts_process_table_reap(session->processes, now - REAP_AFTER_NS, rts_session_forget_object,
                           session);
    rts_object_cache_trim(session->objects);
}

static void sample_until_done(struct rts_session *session, struct loop *loop)
{
    while (!loop->done) {
        wait_for_records(session, loop);
        take_signals(session, loop);
        drain(session);
        uint64_t now = rts_clock_monotonic_ns();
        if (session->exit_seen || session->command.pid > 0) {
            session->exit_seen = false;
            loop->done = loop->done || rts_session_target_ended(session, false);
        }
        every_window(session, loop, now);
        every_second(session, loop, now);
        if (now >= loop->deadline || session->sink_broken)
            loop->done = true;
    }
}

/* ---- beginning and end ---- */

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    /* A closed output and a file size limit are errors to report, not reasons to die. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int open_capture(struct rts_session *session, struct rts_error *error)
{
    struct rts_capture_options options = {
        .frequency = session->settings->frequency,
        .call_graph = session->settings->call_graph,
        .stack_bytes = session->settings->stack_bytes,
        .user_registers = session->arch->perf_registers,
        .enable_on_exec = session->settings->target == RTS_TARGET_COMMAND,
    };
    session->capture = rts_capture_create(&options, error);
    return session->capture ? 0 : -1;
}

static void open_stages(struct rts_session *session)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    session->cpu_count = cpus > 0 ? (unsigned)cpus : 1;
    session->throttled_since = rts_calloc(session->cpu_count, sizeof *session->throttled_since);
    session->processes = rts_process_table_create("/proc");
    session->objects = rts_object_cache_create(IDLE_OBJECTS_MAX);
    session->code_map.processes = session->processes;
    session->code_map.objects = session->objects;
    session->rules = rts_rule_cache_create(session->arch);
    session->stacks = rts_stack_table_create();
    session->symbols = rts_symbol_table_create(RTS_ID_UNION_V01);
    session->window = rts_window_create();
    session->stack = rts_calloc(1, sizeof *session->stack);
    rts_status_line_init(&session->status_line, STDERR_FILENO);
}

static void close_stages(struct rts_session *session)
{
    rts_capture_destroy(session->capture);
    rts_process_table_destroy(session->processes, rts_session_forget_object, session);
    rts_stack_table_destroy(session->stacks);
    rts_window_destroy(session->window);
    rts_symbol_table_destroy(session->symbols);
    rts_rule_cache_destroy(session->rules);
    rts_object_cache_destroy(session->objects);
    rts_command_finish(&session->command);
    rts_buffer_finish(&session->lines);
    free(session->throttled_since);
    free(session->stack);
}

static void stop_and_flush(struct rts_session *session)
{
    rts_capture_stop(session->capture);
    session->ended_ns = rts_clock_monotonic_ns();
    drain(session);
    for (unsigned cpu = 0; cpu < session->cpu_count; cpu++)
        if (session->throttled_since[cpu])
            account_throttled(session, session->throttled_since[cpu], session->ended_ns);
    rts_session_flush(session);
    rts_status_line_erase(&session->status_line);
}

/* Samples, with everything open. */
static int run(struct rts_session *session, int signals, struct rts_error *error)
{
    struct pollfd *fds = rts_calloc(session->cpu_count + 1, sizeof *fds);
    size_t rings = rts_capture_poll_fds(session->capture, fds, session->cpu_count);
    fds[rings] = (struct pollfd){.fd = signals, .events = POLLIN};
    uint64_t now = session->started_ns = rts_clock_monotonic_ns();
    session->cpu_checked_ns = now;
    struct loop loop = {
        .signals = signals,
        .fds = fds,
        .fd_count = rings + 1,
        .flush_at = now + (uint64_t)session->settings->flush_interval_ms * 1000000,
        .second_at = now + SECOND_NS,
        .deadline = session->settings->duration_ms ? now + session->settings->duration_ms * 1000000
                                                   : UINT64_MAX,
    };
    int result = rts_session_attach(session, error);
    if (result == 0) {
        rts_session_say_limits(session);
        sample_until_done(session, &loop);
        stop_and_flush(session);
        result = rts_session_report(session, error);
    }
    free(fds);
    return result;
}

int rts_session_run(const struct rts_settings *settings, struct rts_error *error)
{
    struct rts_session session = {
        .settings = settings,
        .arch = rts_architecture_native(),
        .own_pid = (int32_t)getpid(),
        .command = RTS_COMMAND_INIT,
    };
    RTS_CLOSE int signals = open_signals();
    int result = signals < 0 ? rts_fail_errno(error, errno, "cannot receive signals") : 0;
    open_stages(&session);
    if (result == 0)
        result = open_capture(&session, error);
    if (result == 0) {
        session.sink = rts_sink_open(settings->output, error);
        result = session.sink ? run(&session, signals, error) : -1;
    }
    rts_sink_close(session.sink, NULL, NULL);
    close_stages(&session);
    return result;
}
