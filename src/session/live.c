/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "capture/near_reader.h"
#include "naming/own_packages.h"
#include "outlets/outlet_places.h"
#include "process/cgroup.h"
#include "process/look.h"
#include "report/status_line.h"
#include "sampler/sampler.h"
#include "sampler/side_band.h"
#include "sealing/seal.h"
#include "session/closing.h"
#include "target/attach.h"
#include "target/ladder.h"
#include "target/rejoin.h"
#include "target/turn.h"
#include "target/unseen.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/notify.h"
#include "util/own_memory.h"
#include "util/sha256.h"
#include "util/stop_signals.h"

/* Records of a drain are at most this much older than those of the drain before it. */
#define REAP_AFTER_NS RTS_NS_PER_S

/* How often records are taken while a run is young. */
#define EARLY_DRAIN_MS 10
#define EARLY_NS       (5 * RTS_NS_PER_S)

/* How long a command that we started is waited for when it is asked to end. */
#define COMMAND_ENDS_MS 1000

struct live {
    struct rts_line line;
    struct rts_self self;
    struct rts_target target;
    struct rts_broker *broker;
    struct rts_rpm_starter *starter; /* NULL: no packages are wanted */
    struct rts_status_line status_line;
    int signals; /* signalfd */
    struct pollfd *fds;
    size_t fd_count;
    uint64_t flush_at, second_at, deadline;
    bool stopped; /* a signal told us to end */
    bool done;
    struct rts_buffer refused; /* words of the receipt, when the run has ended */
};

/* ---- the loop ---- */

/* Waits until there is something to do, a tenth of a second at most. */
static void wait_for_records(struct live *live)
{
    uint64_t now = rts_clock_monotonic_ns();
    int timeout = rts_capture_interval_ms(live->target.capture);
    /* Files of what has just begun may be gone, or be others, soon. */
    if (timeout > EARLY_DRAIN_MS && now - live->line.started_ns < EARLY_NS)
        timeout = EARLY_DRAIN_MS;
    if (rts_package_table_is_busy(live->line.package_table))
        timeout = 0;
    if (live->deadline != UINT64_MAX) {
        uint64_t left_ms = live->deadline > now ? (live->deadline - now) / 1000000 + 1 : 0;
        if (left_ms < (uint64_t)timeout)
            timeout = (int)left_ms;
    }
    poll(live->fds, (nfds_t)live->fd_count, timeout);
}

static void take_signals(struct live *live)
{
    const struct rts_command *command = &live->target.command;
    struct signalfd_siginfo info;
    while (read(live->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue; /* the command is asked for in any case */
        live->done = live->stopped = true;
        /* The terminal sends its signal to the command as well; a person's kill does not. */
        bool from_a_process = info.ssi_code <= 0;
        if (command->pid > 0 && !command->ended && from_a_process)
            kill(command->pid, (int)info.ssi_signo);
    }
}

static void draw_status(struct live *live, uint64_t now)
{
    const struct rts_account *account = &live->line.account;
    struct rts_status status = {
        .elapsed_ms = (now - live->line.started_ns) / 1000000,
        .samples = account->samples_kept,
        .dropped = rts_account_taken(account) - account->samples_kept,
        .complete = account->stops[RTS_STOP_COMPLETE],
    };
    rts_status_line_draw(&live->status_line, &status);
}

static void every_second(struct live *live, uint64_t now)
{
    struct rts_line *line = &live->line;
    if (now < live->second_at)
        return;
    live->second_at = now + RTS_NS_PER_S;
    draw_status(live, now);
    rts_self_measure(&live->self);
    rts_pace_tell_news(&line->sampler.pace, now);
    rts_pace_tell_limit(&line->sampler.pace, &line->account, line->settings);
    rts_target_rejoin(&live->target);
    if (rts_target_ended(&live->target, true))
        live->done = true;
}

static void every_window(struct live *live, uint64_t now)
{
    if (now < live->flush_at ||
        rts_package_table_hold(live->line.package_table, live->flush_at, now))
        return;
    live->flush_at = now + (uint64_t)live->line.settings->flush_interval_ms * 1000000;
    rts_line_flush(&live->line);
    rts_line_turn(&live->line, now - REAP_AFTER_NS);
}

/* What the records have told of the target. */
static void watch_target(struct live *live, uint64_t now)
{
    bool *exit_seen = &live->line.sampler.exit_seen;
    rts_target_watch_lives(&live->target, now);
    if (*exit_seen)
        rts_target_rejoin(&live->target);
    if (*exit_seen || live->target.command.pid > 0) {
        *exit_seen = false;
        live->done = live->done || rts_target_ended(&live->target, false);
    }
}

static void sample_until_done(struct live *live)
{
    while (!live->done) {
        wait_for_records(live);
        take_signals(live);
        rts_sampler_drain(&live->line.sampler);
        uint64_t now = rts_clock_monotonic_ns();
        watch_target(live, now);
        rts_selftest_rounds_turn(&live->line.selftest, now);
        rts_package_table_turn(live->line.package_table);
        every_window(live, now);
        every_second(live, now);
        if (now >= live->deadline || live->line.outlets.lines.broken)
            live->done = true;
    }
}

/* ---- the end ---- */

static void drain_at_end(struct live *live)
{
    rts_sampler_drain(&live->line.sampler);
    rts_target_watch_lives(&live->target, live->line.ended_ns);
}

static void stop_and_flush(struct live *live)
{
    struct rts_line *line = &live->line;
    rts_notify("STOPPING=1");
    rts_broker_hurry(live->broker);
    if (line->package_table)
        rts_package_table_hurry(line->package_table);
    rts_capture_stop(live->target.capture);
    rts_broker_leave(live->target.tracers_broker);
    line->ended_ns = rts_clock_monotonic_ns();
    drain_at_end(live);
    rts_capture_mark_end(live->target.capture);
    drain_at_end(live);
    rts_sampler_end_throttling(&line->sampler, line->ended_ns);
    rts_line_flush(line);
    rts_status_line_erase(&live->status_line);
}

static int end_target(void *context, struct rts_error *error)
{
    struct live *live = context;
    struct rts_command *command = &live->target.command;
    rts_command_end(command, COMMAND_ENDS_MS);
    return rts_recorders_end_run(&live->line.recorders, live->line.ended_ns - live->line.started_ns,
                                 command->ended ? command->status : -1, error);
}

static int say_unseen(void *context, struct rts_error *error)
{
    struct live *live = context;
    int result = rts_target_say_unseen(&live->target, error);
    if (live->line.settings->target == RTS_TARGET_COMMAND)
        rts_command_say_end(&live->target.command);
    return result;
}

static void describe(void *context, struct rts_run_facts *run)
{
    const struct live *live = context;
    const struct rts_command *command = &live->target.command;
    run->command_status = command->ended ? command->status : -1;
    run->rung = rts_rung_name(live->target.receipt.taken);
    run->refused = live->refused.data;
}

static int close_run(struct live *live, struct rts_error *error)
{
    const struct rts_closing closing = {
        .context = live,
        .stopped = live->stopped,
        .frequency = rts_capture_facts(live->target.capture)->frequency,
        .end_target = end_target,
        .say_unseen = say_unseen,
        .describe = describe,
    };
    rts_receipt_words(&live->target.receipt, &live->refused);
    return rts_close(&live->line, &closing, error);
}

/* ---- the beginning ---- */

/* What is opened when it is used for the first time: the settings of libcrypto, the local time,
 * random numbers for libjansson, our own mappings for the vDSO. */
static void use_once(struct rts_object_cache *objects)
{
    uint8_t digest[RTS_SHA256_SIZE];
    rts_sha256_bytes("", 0, digest);
    tzset();
    json_object_seed(0);
    struct rts_object *vdso = rts_object_cache_vdso(objects);
    if (vdso)
        rts_object_cache_unref(objects, vdso);
}

/* All is open: what the run does not need any more is given up. */
static void seal(struct live *live)
{
    const struct rts_settings *settings = live->line.settings;
    bool ptrace = live->target.receipt.taken == RTS_RUNG_PTRACE;
    bool group = settings->target == RTS_TARGET_CGROUP || settings->target == RTS_TARGET_CONTAINER;
    bool files = rts_outlet_places_take_capabilities(settings);
    use_once(live->line.objects);
    rts_seal(RTS_SEAL_MAIN,
             (ptrace ? RTS_SEAL_NEED_PTRACE : 0u) | (group ? RTS_SEAL_NEED_GROUP : 0u) |
                 (files ? RTS_SEAL_NEED_FILES : 0u) |
                 (getenv("NOTIFY_SOCKET") ? RTS_SEAL_NEED_NOTIFY : 0u),
             NULL);
}

static void begin_clocks(struct live *live)
{
    uint64_t now = rts_clock_monotonic_ns();
    live->line.started_ns = live->self.checked_ns = now;
    live->flush_at = now + (uint64_t)live->line.settings->flush_interval_ms * 1000000;
    live->second_at = now + RTS_NS_PER_S;
    live->deadline = UINT64_MAX;
}

static int open_target(struct live *live, struct rts_error *error)
{
    struct rts_sampler *sampler = &live->line.sampler;
    const struct rts_guard_facts limits = rts_pace_limits(live->line.settings);
    if (rts_target_open(&live->target, error) < 0)
        return -1;
    rts_pace_open(&sampler->pace, &limits, rts_capture_facts(live->target.capture)->frequency,
                  live->target.capture);
    if (live->target.receipt.taken == RTS_RUNG_PTRACE || rts_target_by_process(&live->target))
        sampler->lives = rts_lives_create();
    const unsigned cpus = sampler->setup.cpu_count;
    live->fds = rts_calloc(cpus + 1, sizeof *live->fds);
    live->fd_count = rts_capture_poll_fds(live->target.capture, live->fds, cpus);
    live->fds[live->fd_count++] = (struct pollfd){.fd = live->signals, .events = POLLIN};
    return 0;
}

static int open_outlets(struct live *live, struct rts_error *error)
{
    struct rts_line *line = &live->line;
    line->recorders.setup = (struct rts_recorders_setup){
        .settings = line->settings,
        .arch = line->sampler.setup.arch,
        .capture = live->target.capture,
        .receipt = &live->target.receipt,
        .limits = line->sampler.pace.limits,
        .account = &line->account,
        .share = &line->bounds.memory.shares[RTS_MEMORY_TRACE],
        .proc = rts_process_table_proc(line->sampler.processes),
        .started_ns = line->started_ns,
    };
    return rts_line_open_outlets(line, RTS_DELIVER_SAMPLES, true, NULL, error);
}

/* Samples, with every stage open. */
static int run(struct live *live, struct rts_error *error)
{
    const struct rts_settings *settings = live->line.settings;
    begin_clocks(live);
    if (open_target(live, error) < 0 || open_outlets(live, error) < 0 ||
        rts_target_begin(&live->target, error) < 0)
        return -1;
    /* The duration is one of sampling: attaching to thousands of threads takes its time. */
    if (settings->duration_ms)
        live->deadline = rts_clock_monotonic_ns() + settings->duration_ms * 1000000;
    rts_target_say_limits(&live->target);
    rts_selftest_rounds_open(&live->line.selftest, &live->target, rts_clock_monotonic_ns());
    seal(live);
    rts_notify("READY=1");
    sample_until_done(live);
    stop_and_flush(live);
    return close_run(live, error);
}

static void seal_broker(bool worker)
{
    rts_seal(worker ? RTS_SEAL_BROKER : RTS_SEAL_KEEPER, 0, NULL);
}

/* While there is one thread, and nothing of ours is open. */
static int open_broker(struct live *live, struct rts_error *error)
{
    const struct rts_broker_setup setup = {
        .proc_root = "/proc",
        .answer = rts_look_answer,
        .seal = seal_broker,
        .near = rts_near_reader_run,
    };
    live->broker = rts_broker_start(&setup, error);
    if (!live->broker)
        return -1;
    rts_broker_watch(live->broker, live->signals);
    return 0;
}

/* What has to run before anything is open, since it begins with fork(2). */
static int start_helpers(struct live *live, const struct rts_settings *settings,
                         struct rts_error *error)
{
    if (live->signals < 0)
        return rts_fail_errno(error, errno, "cannot receive signals");
    if (settings->resolve_packages && !(live->starter = rts_rpm_starter_create(error)))
        return -1;
    return open_broker(live, error);
}

static int64_t wall_offset(void *context)
{
    (void)context;
    return rts_clock_wall_offset_ns();
}

static uint64_t sampled_ms(void *context)
{
    const struct live *live = context;
    return (rts_clock_monotonic_ns() - live->line.started_ns) / 1000000;
}

static void init_line(struct live *live, const struct rts_settings *settings)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    struct rts_package_table *packages =
        settings->resolve_packages ? rts_package_table_create() : NULL;
    if (packages)
        rts_package_table_use_starter(packages, live->starter);
    live->self.broker = live->broker;
    live->self.starter = live->starter;
    const struct rts_line_setup setup = {
        .settings = settings,
        .sampler = {.arch = rts_architecture_native(),
                    .proc_root = "/proc",
                    .cgroup_root = RTS_CGROUP_ROOT,
                    .self = &live->self,
                    .call_graph = settings->call_graph,
                    .near = settings->near_reader == RTS_NEAR_READER_AUTO,
                    .cpu_count = cpus > 0 ? (unsigned)cpus : 1},
        .packages = rts_own_packages(packages),
        .package_table = packages,
        .clock = {live, wall_offset, sampled_ms},
        .ends = RTS_LINE_ENDS_EARLY,
    };
    rts_line_init(&live->line, &setup);
    live->target.settings = settings;
    live->target.sampler = &live->line.sampler;
    live->target.account = &live->line.account;
    live->target.broker = live->broker;
}

int rts_session_run(const struct rts_settings *settings, struct rts_error *error)
{
    struct live live = {
        .self = {.pid = (int32_t)getpid(), .memory = rts_own_memory_open()},
        .target = {.command = RTS_COMMAND_INIT},
        .refused = RTS_BUFFER_INIT,
    };
    rts_origin_leave(&live.target.origin);
    RTS_CLOSE int signals = rts_stop_signals_open();
    live.signals = signals;
    int result = start_helpers(&live, settings, error);
    init_line(&live, settings);
    rts_status_line_init(&live.status_line, STDERR_FILENO);
    if (result == 0)
        result = rts_line_open_cache(&live.line, error);
    if (result == 0)
        result = rts_line_load_graph(&live.line, error);
    if (result == 0)
        result = rts_line_choose_unwinder(&live.line, error);
    if (result == 0)
        result = run(&live, error);
    rts_broker_leave(live.broker);
    rts_outlets_close(&live.line.outlets);
    rts_target_close(&live.target);
    rts_line_finish(&live.line);
    rts_rpm_starter_destroy(live.starter);
    rts_broker_destroy(live.target.tracers_broker);
    rts_broker_destroy(live.broker);
    rts_buffer_finish(&live.refused);
    free(live.fds);
    if (live.self.memory >= 0)
        close(live.self.memory);
    return result;
}
