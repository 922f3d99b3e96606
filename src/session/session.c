/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "process/cgroup.h"
#include "process/look.h"
#include "sealing/seal.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/notify.h"
#include "util/own_memory.h"

/* Objects that are kept for the next process when no running one maps them. */
#define IDLE_OBJECTS_MAX 256

/* Records of a drain are at most this much older than those of the drain before it. */
#define REAP_AFTER_NS 1000000000ULL

#define SECOND_NS 1000000000ULL

/* How often records are taken while a run is young. */
#define EARLY_DRAIN_MS 10
#define EARLY_NS       (5 * SECOND_NS)

static void drain(struct rts_session *session)
{
    const struct rts_capture_sink sink = {
        .context = session,
        .side_band = rts_session_take_side_band,
        .sample = rts_session_take_sample,
        .malformed = rts_session_take_malformed,
    };
    rts_session_read_cpu(session, false);
    rts_capture_drain(session->capture, &sink);
    rts_session_read_cpu(session, true);
}

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
    /* Files of what has just begun may be gone, or be others, soon. */
    if (timeout > EARLY_DRAIN_MS && now - session->started_ns < EARLY_NS)
        timeout = EARLY_DRAIN_MS;
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
        loop->done = session->stopped = true;
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
    rts_session_tell_guard(session, now);
    rts_session_tell_rate_limit(session);
    rts_session_watch_again(session);
    if (rts_session_target_ended(session, true))
        loop->done = true;
}

static void every_window(struct rts_session *session, struct loop *loop, uint64_t now)
{
    if (now < loop->flush_at)
        return;
    loop->flush_at = now + (uint64_t)session->settings->flush_interval_ms * 1000000;
    rts_session_flush(session);
    rts_session_update_metrics(session);
    rts_session_trim(session, now - REAP_AFTER_NS);
}

static void sample_until_done(struct rts_session *session, struct loop *loop)
{
    while (!loop->done) {
        wait_for_records(session, loop);
        take_signals(session, loop);
        drain(session);
        uint64_t now = rts_clock_monotonic_ns();
        rts_session_watch_lives(session, now);
        if (session->exit_seen)
            rts_session_watch_again(session);
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

int rts_session_open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    /* The terminal is closed: an end like any other, unless nohup(1) had it ignored. */
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    /* A closed output and a file size limit are errors to report, not reasons to die. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool rts_session_is_own(const struct rts_session *session, int32_t pid)
{
    return pid == session->own_pid || (pid > 0 && pid == rts_rpm_starter_pid(session->starter)) ||
           (session->broker && rts_broker_is_own(session->broker, pid));
}

static void seal_broker(bool worker)
{
    rts_seal(worker ? RTS_SEAL_BROKER : RTS_SEAL_KEEPER, 0, NULL);
}

/* While there is one thread, and nothing of ours is open. */
static int open_broker(struct rts_session *session, int signals, struct rts_error *error)
{
    const struct rts_broker_setup setup = {
        .proc_root = "/proc", .answer = rts_look_answer, .seal = seal_broker};
    session->broker = rts_broker_start(&setup, error);
    if (!session->broker)
        return -1;
    rts_broker_watch(session->broker, signals);
    return 0;
}

void rts_session_open_stages(struct rts_session *session)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    if (session->cpu_count == 0)
        session->cpu_count = cpus > 0 ? (unsigned)cpus : 1;
    session->throttled_since = rts_calloc(session->cpu_count, sizeof *session->throttled_since);
    session->processes = rts_process_table_create(session->replay ? NULL : "/proc");
    session->cgroups = rts_cgroup_ids_create(session->replay ? NULL : RTS_CGROUP_ROOT);
    session->objects = rts_object_cache_create(IDLE_OBJECTS_MAX);
    rts_process_table_use_broker(session->processes, session->broker);
    session->code_map.processes = session->processes;
    session->code_map.objects = session->objects;
    session->rules = rts_rule_cache_create(session->arch);
    session->stacks = rts_stack_table_create();
    session->symbols = rts_symbol_table_create(session->settings->id_scheme);
    if (session->settings->resolve_packages && !session->replay)
        session->packages = session->code_map.packages = rts_package_table_create();
    if (session->packages)
        rts_package_table_use_starter(session->packages, session->starter);
    session->window = rts_window_create();
    session->stack = rts_calloc(1, sizeof *session->stack);
    rts_session_open_memory(session);
    rts_status_line_init(&session->status_line, STDERR_FILENO);
}

void rts_session_close_stages(struct rts_session *session)
{
    rts_capture_destroy(session->capture);
    rts_guard_destroy(session->guard);
    rts_process_table_destroy(session->processes, rts_session_forget_object, session);
    rts_lives_destroy(session->lives);
    rts_cgroup_ids_destroy(session->cgroups);
    rts_stack_table_destroy(session->stacks);
    rts_window_destroy(session->window);
    rts_observed_graph_destroy(session->observed);
    rts_symbol_table_destroy(session->symbols);
    rts_package_table_destroy(session->packages);
    rts_rpm_starter_destroy(session->starter);
    rts_graph_destroy(session->graph);
    rts_rule_cache_destroy(session->rules);
    rts_object_cache_destroy(session->objects);
    rts_session_close_cache(session);
    rts_command_finish(&session->command);
    free(session->group);
    rts_buffer_finish(&session->lines);
    rts_nameless_finish(&session->nameless);
    free(session->throttled_since);
    free(session->stack);
    if (session->own_memory >= 0)
        close(session->own_memory);
}

static void stop_and_flush(struct rts_session *session)
{
    rts_notify("STOPPING=1");
    rts_broker_hurry(session->broker);
    if (session->packages)
        rts_package_table_hurry(session->packages);
    rts_capture_stop(session->capture);
    rts_broker_leave(session->tracers_broker);
    session->ended_ns = rts_clock_monotonic_ns();
    drain(session);
    rts_session_watch_lives(session, session->ended_ns);
    rts_capture_mark_end(session->capture);
    drain(session);
    rts_session_watch_lives(session, session->ended_ns);
    rts_session_end_throttling(session, session->ended_ns);
    rts_session_flush(session);
    rts_status_line_erase(&session->status_line);
}

/* Samples, with every stage open. */
static int run(struct rts_session *session, int signals, struct rts_error *error)
{
    uint64_t now = session->started_ns = session->cpu_checked_ns = rts_clock_monotonic_ns();
    if (rts_session_open_capture(session, error) < 0)
        return -1;
    if (session->receipt.taken == RTS_RUNG_PTRACE || rts_session_by_process(session))
        session->lives = rts_lives_create();
    struct pollfd *fds = rts_calloc(session->cpu_count + 1, sizeof *fds);
    size_t rings = rts_capture_poll_fds(session->capture, fds, session->cpu_count);
    fds[rings] = (struct pollfd){.fd = signals, .events = POLLIN};
    struct loop loop = {
        .signals = signals,
        .fds = fds,
        .fd_count = rings + 1,
        .flush_at = now + (uint64_t)session->settings->flush_interval_ms * 1000000,
        .second_at = now + SECOND_NS,
        .deadline = UINT64_MAX,
    };
    int result = rts_session_open_outputs(session, error);
    if (result == 0)
        result = rts_session_begin(session, error);
    if (result == 0) {
        /* The duration is one of sampling: attaching to thousands of threads takes its time. */
        if (session->settings->duration_ms)
            loop.deadline = rts_clock_monotonic_ns() + session->settings->duration_ms * 1000000;
        rts_session_say_limits(session);
        rts_session_seal(session);
        rts_notify("READY=1");
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
        .own_memory = rts_own_memory_open(),
        .call_graph = settings->call_graph,
        .command = RTS_COMMAND_INIT,
    };
    rts_origin_leave(&session.origin);
    RTS_CLOSE int signals = rts_session_open_signals();
    int result = signals < 0 ? rts_fail_errno(error, errno, "cannot receive signals") : 0;
    if (result == 0 && settings->resolve_packages)
        result = (session.starter = rts_rpm_starter_create(error)) ? 0 : -1;
    if (result == 0)
        result = open_broker(&session, signals, error);
    rts_session_open_stages(&session);
    if (result == 0)
        result = rts_session_open_cache(&session, error);
    if (result == 0)
        result = rts_session_load_graph(&session, error);
    if (result == 0)
        result = run(&session, signals, error);
    rts_broker_leave(session.broker);
    rts_session_close_outputs(&session);
    rts_session_close_stages(&session);
    rts_broker_destroy(session.tracers_broker);
    rts_broker_destroy(session.broker);
    return result;
}
