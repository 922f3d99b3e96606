/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says about itself: at the start what it could not get, at the end the account. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/summary.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/output_file.h"
#include "util/own_memory.h"

#define FEATURES_MAX 8

/* Less than this of each stack is worth a word. */
#define STACK_BYTES_USUAL 16384

/* How long a command that we started is waited for when it is asked to end. */
#define COMMAND_ENDS_MS 1000

/* How often it is looked whether a FIFO has its reader. */
#define FIFO_INTERVAL_MS 20

bool rts_session_is_stopped(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* Opening a FIFO means to wait for its reader, and yet to be stopped by a signal. */
static struct rts_sink *open_sink(const char *path, struct rts_error *error)
{
    for (bool said = false;; said = true) {
        struct rts_sink *sink = rts_sink_open(path, error);
        if (sink || error->number != ENXIO || rts_session_is_stopped())
            return sink;
        if (!said)
            rts_log("waiting for a reader of %s", path);
        poll(NULL, 0, FIFO_INTERVAL_MS);
    }
}

int rts_session_open_outputs(struct rts_session *session, struct rts_error *error)
{
    const char *stats = session->settings->stats_path;
    const char *output = session->settings->output;
    if (output && !(session->sink = open_sink(output, error)))
        return -1;
    if (rts_session_open_delivery(session, error) < 0 ||
        rts_session_write_metrics(session, error) < 0)
        return -1;
    if (rts_session_open_union(session, error) < 0 || rts_session_open_record(session, error) < 0 ||
        rts_session_open_segments(session, error) < 0)
        return -1;
    if (!stats)
        return 0;
    RTS_CLOSE int fd = rts_output_open(stats, 0, "the account", error);
    if (fd < 0)
        return -1;
    session->stats = fdopen(fd, "w");
    if (!session->stats)
        return rts_fail_errno(error, errno, "cannot open %s for the account", stats);
    rts_take_fd(&fd);
    return 0;
}

void rts_session_close_outputs(struct rts_session *session)
{
    rts_sink_close(session->sink, NULL, NULL);
    rts_delivery_finish(session->delivery, 0, NULL, NULL);
    rts_session_close_segments(session);
    rts_session_discard_record(session); /* one that is open has no sample: the run never began */
    if (!session->stats)
        return;
    struct stat file;
    bool is_empty =
        fstat(fileno(session->stats), &file) == 0 && S_ISREG(file.st_mode) && file.st_size == 0;
    fclose(session->stats);
    if (!session->stats_written && is_empty)
        unlink(session->settings->stats_path);
}

/* What the broker of the thread that traces has counted. */
static struct rts_broker_counts tracer_asked(const struct rts_session *session)
{
    return session->capture ? rts_capture_facts(session->capture)->asked
                            : (struct rts_broker_counts){0};
}

struct rts_looking rts_session_looking(const struct rts_session *session)
{
    if (!session->broker)
        return (struct rts_looking){0};
    const struct rts_broker_counts counts = rts_broker_counts(session->broker);
    const struct rts_broker_counts tracers = tracer_asked(session);
    return (struct rts_looking){counts.asked + tracers.asked, counts.late + tracers.late,
                                counts.refused + tracers.refused,
                                counts.replaced + tracers.replaced};
}

uint64_t rts_session_own_cpu_ms(const struct rts_session *session)
{
    struct rusage usage;
    uint64_t broker_ms = tracer_asked(session).cpu_ms;
    broker_ms += session->broker ? rts_broker_counts(session->broker).cpu_ms : 0;
    getrusage(RUSAGE_SELF, &usage);
    return broker_ms + (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

void rts_session_measure_self(struct rts_session *session)
{
    uint64_t now = rts_clock_monotonic_ns(), cpu_ms = rts_session_own_cpu_ms(session);
    double elapsed_ms = (double)(now - session->cpu_checked_ns) / 1e6;
    if (elapsed_ms < 1)
        return;
    double percent = 100.0 * (double)(cpu_ms - session->cpu_checked_ms) / elapsed_ms;
    if (session->cpu_checked_ms > 0 && percent > session->max_cpu_percent)
        session->max_cpu_percent = percent;
    session->cpu_checked_ns = now;
    session->cpu_checked_ms = cpu_ms;
}

void rts_session_say_limits(const struct rts_session *session)
{
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    const char *target = session->own_only                             ? "own processes"
                         : session->settings->target == RTS_TARGET_ALL ? "all processes"
                                                                       : "target";
    if (session->receipt.taken == RTS_RUNG_PTRACE) {
        rts_log("sampling %s with ptrace at %u Hz: each thread that runs is stopped for a moment%s",
                target, facts->frequency,
                session->settings->method == RTS_METHOD_PTRACE ? "" : " (--method perf: never)");
        return;
    }
    rts_log("sampling %s with cpu-clock at %u Hz, %s", target, facts->frequency,
            facts->gave_up & RTS_FEATURE_KERNEL_SIDE ? "in user mode only"
                                                     : "in user and kernel mode");
    if (session->settings->call_graph == RTS_CALL_GRAPH_DWARF && !session->settings->stack_bytes &&
        facts->stack_bytes < STACK_BYTES_USUAL)
        rts_log(
            "deep stacks may be cut: only %u bytes of each are copied, since a ring has no more "
            "than %zu KiB at this frequency (kernel.perf_event_mlock_kb, ulimit -l)",
            facts->stack_bytes, facts->ring_bytes >> 10);
    if (facts->clock_is_off)
        rts_log(
            "the offset of this time namespace is not to be found in /proc/self/timens_offsets: "
            "observedAt is off by it");
    if (facts->frequency < session->start_frequency)
        rts_log("%u Hz instead of %u: the limit is kernel.perf_event_max_sample_rate",
                facts->frequency, session->start_frequency);
}

static struct rts_summary_function *list_functions(const struct rts_session *session, size_t *count)
{
    struct rts_summary_function *functions = NULL;
    size_t capacity = 0, position = 0;
    *count = 0;
    for (const struct rts_symbol *symbol;
         (symbol = rts_symbol_table_next(session->symbols, &position));) {
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

static void print_summary(struct rts_session *session, uint64_t duration_ms)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    struct rts_summary summary = {
        .account = &session->account,
        .nameless = &session->nameless,
        .duration_ms = duration_ms,
        .frequency = session->replay ? 0 : rts_capture_facts(session->capture)->frequency,
        .output = session->settings->output ? session->settings->output
                                            : session->settings->ingest.endpoint,
    };
    RTS_FREE struct rts_summary_function *functions =
        list_functions(session, &summary.function_count);
    summary.functions = functions;
    rts_nameless_sort(&session->nameless);
    rts_summary_format(&summary, &text);
    if (text.size > 0)
        fputs(text.data, stderr);
    rts_buffer_finish(&text);
}

static int write_stats(struct rts_session *session, uint64_t duration_ms, struct rts_error *error)
{
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    const char *gave_up[FEATURES_MAX + 1] = {NULL};
    size_t count = 0;
    for (unsigned bit = 1; count < FEATURES_MAX && bit <= RTS_FEATURE_LAST; bit <<= 1)
        if (facts->gave_up & bit)
            gave_up[count++] = rts_feature_name((enum rts_feature)bit);
    struct rts_buffer refused = RTS_BUFFER_INIT;
    rts_receipt_words(&session->receipt, &refused);
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(session->settings, digest);
    const struct rts_guard_facts guard = rts_session_guard_facts(session);
    struct rts_memory_owners owners;
    rts_session_list_owners(session, &owners);
    struct rts_run_facts run = {
        .guard = &guard,
        .method = facts->method,
        .duration_ms = duration_ms,
        .config_sha256 = digest,
        .has_command = session->settings->target == RTS_TARGET_COMMAND,
        .command_status = session->command.ended ? session->command.status : -1,
        .frequency = facts->frequency,
        .gave_up = gave_up,
        .rung = session->replay ? NULL : rts_rung_name(session->receipt.taken),
        .refused = refused.data,
        .max_cpu_percent = session->max_cpu_percent,
        .recorded_bytes = session->recorded.bytes,
        .recorded_samples = session->recorded.samples,
        .unrecorded_samples = session->recorded.unrecorded,
        .memory = &session->memory,
        .memory_owners = &owners,
        .looking = rts_session_looking(session),
        .stopped = {facts->stops.count, facts->stops.total_ns, facts->stops.longest_ns,
                    facts->stops.too_long, facts->stops.refused, facts->stops.samples,
                    facts->stops.due, facts->stops.used_ns, facts->stops.given_up,
                    facts->stops.put_off},
    };
    rts_session_list_unjoined(session, &run);
    struct rts_trace_account trace;
    if (session->replay)
        rts_replay_describe(session, &run, &trace);
    struct rts_own_memory memory;
    rts_own_memory_read_from(session->own_memory, &memory);
    run.cpu_ms = rts_session_own_cpu_ms(session);
    run.peak_rss_kib = memory.peak_rss_kib;

    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_account_write(&session->account, &run, &text);
    /* Fails on a pipe, where there is nothing to cut. */
    if (ftruncate(fileno(session->stats), 0) == 0)
        rewind(session->stats);
    bool written =
        fwrite(text.data, 1, text.size, session->stats) == text.size && fflush(session->stats) == 0;
    int number = errno;
    rts_buffer_finish(&text);
    rts_buffer_finish(&refused);
    session->stats_written = written;
    return written ? 0
                   : rts_fail_errno(error, number, "cannot write the account to %s",
                                    session->settings->stats_path);
}

static void say_command_status(const struct rts_session *session)
{
    const struct rts_command *command = &session->command;
    const char *asked = command->asked ? ", asked to by rtsample when sampling was over" : "";
    if (!command->ended)
        rts_log("the command still runs as process %d, although it was asked to end (SIGTERM)",
                (int)command->pid);
    else if (command->status > 128)
        rts_log("the command was ended by signal %d (%s)%s", command->status - 128,
                strsignal(command->status - 128), asked);
    else
        rts_log("the command ended with exit status %d%s", command->status, asked);
}

static void interrupt_only(int number)
{
    (void)number;
}

/* The sampling is over: now these signals are to end a wait, and nothing else. */
static void let_signals_interrupt(void)
{
    struct sigaction action = {.sa_handler = interrupt_only};
    sigset_t signals;
    sigemptyset(&action.sa_mask);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

int rts_session_report(struct rts_session *session, struct rts_error *error)
{
    uint64_t duration_ms = (session->ended_ns - session->started_ns) / 1000000;
    if (session->sink_waits)
        rts_log("%" PRIu64 " facts still wait for %s; SIGINT or SIGTERM gives them up",
                rts_sink_unwritten(session->sink),
                strcmp(session->settings->output, "-") == 0 ? "stdout" : session->settings->output);
    int result = rts_session_end_segments(session, error);
    let_signals_interrupt();
    uint64_t unwritten = 0;
    if (rts_sink_close(session->sink, &unwritten, result < 0 ? NULL : error) < 0)
        result = -1;
    session->account.undelivered_events += unwritten;
    session->sink = NULL;
    if (rts_session_end_delivery(session, result < 0 ? NULL : error) < 0)
        result = -1;
    rts_command_end(&session->command, COMMAND_ENDS_MS);
    if (rts_session_end_record(session, result < 0 ? NULL : error) < 0)
        result = -1;
    if (rts_session_write_union(session, result < 0 ? NULL : error) < 0)
        result = -1;
    rts_session_update_metrics(session);
    print_summary(session, duration_ms);
    rts_session_tell_rate_limit(session);
    if (rts_session_say_unseen(session, result < 0 ? NULL : error) < 0)
        result = -1;
    if (session->settings->target == RTS_TARGET_COMMAND)
        say_command_status(session);
    if (session->stats) {
        struct rts_error failure;
        if (write_stats(session, duration_ms, &failure) < 0) {
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
