/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_tracer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "capture/ptrace_image.h"
#include "capture/record_writer.h"
#include "sealing/seal.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define SECOND_NS 1000000000ULL

/* Records that wait to be taken: beyond this they are lost. */
#define QUEUE_BYTES_MAX ((size_t)64 << 20)

/* CPU time that a thread can be behind with its samples. */
#define CREDIT_NS_MAX SECOND_NS

/* Periods that a thread is left alone, at most. */
#define REST_MAX 64

/* How often we look, in one period: who is not met where we sit may be met the next time. Each CPU
 * of the target is visited, so many of them at most in one period. */
#define LOOKS_PER_PERIOD 2
#define SEATS_MAX        16

/* An end is not kept waiting by a low frequency. */
#define PAUSE_NS_MAX 50000000ULL

/* Nobody stands still for longer while we wait for the broker, whatever it is about. */
#define LATE_NS 100000000ULL

/* What nobody stands still for is waited for so many times as long; the main thread may be waiting
 * for us meanwhile. */
#define LATE_TURNS_MAX 10

/* A process that executes a program cannot be seized for a moment, and one that does so again and
 * again is not worth the time that others stand still. */
#define SEIZING_LATE_MAX 3

/* Processes that are named when they are given up; the others are counted. */
#define SAID_MAX 8

/* ---- one stop ---- */

/* A thread whose stop took too long is given a rest, a longer one each time; and a stop that did
 * not halves the next one. */
static void rest(const struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread,
                 bool too_long)
{
    if (!too_long) {
        thread->rest_next /= 2;
        return;
    }
    thread->rest_next = thread->rest_next ? thread->rest_next * 2 : 1;
    if (thread->rest_next > REST_MAX)
        thread->rest_next = REST_MAX;
    thread->rest = thread->rest_next * LOOKS_PER_PERIOD * tracer->seats;
}

static void count_stop(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread,
                       uint64_t stopped_ns)
{
    uint32_t limit_us = tracer->options.max_stop_us;
    bool too_long = limit_us > 0 && stopped_ns > limit_us * 1000ULL;
    pthread_mutex_lock(&tracer->queue_lock);
    struct rts_capture_stops *stops = &tracer->stops;
    stops->count++;
    stops->total_ns += stopped_ns;
    if (stopped_ns > stops->longest_ns)
        stops->longest_ns = stopped_ns;
    stops->too_long += too_long;
    pthread_mutex_unlock(&tracer->queue_lock);
    if (thread)
        rest(tracer, thread, too_long);
}

static void give_up(struct rts_ptrace_tracer *tracer, struct rts_ptrace_process *process)
{
    if (process->given_up || atomic_load(&tracer->stopping))
        return;
    process->given_up = true;
    pthread_mutex_lock(&tracer->queue_lock);
    tracer->stops.given_up++;
    pthread_mutex_unlock(&tracer->queue_lock);
}

static void seize_later(struct rts_ptrace_tracer *tracer, struct rts_ptrace_process *process)
{
    if (++process->seizing_late < SEIZING_LATE_MAX)
        return;
    give_up(tracer, process);
    if (tracer->given_up_said++ < SAID_MAX)
        rts_log("process %d cannot be stopped, since it never gets done with executing a program: "
                "it is given up, and sampled no more",
                (int)process->pid);
}

static void ask(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread)
{
    enum rts_ptrace_outcome outcome = rts_ptrace_ask(&tracer->alarm, thread->tid);
    switch (outcome) {
    case RTS_PTRACE_GONE: thread->gone = true; return;
    case RTS_PTRACE_LATE:
    case RTS_PTRACE_REFUSED:
        thread->rest = REST_MAX * LOOKS_PER_PERIOD;
        pthread_mutex_lock(&tracer->queue_lock);
        tracer->stops.refused++;
        pthread_mutex_unlock(&tracer->queue_lock);
        if (outcome == RTS_PTRACE_LATE)
            seize_later(tracer, thread->process);
        return;
    default: break;
    }
    thread->asked = tracer->waiting = true;
    thread->asked_ns = rts_clock_monotonic_ns();
    tracer->asked_count++;
}

static void unmark(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread)
{
    tracer->asked_count -= thread->asked && tracer->asked_count > 0;
    thread->asked = false;
}

static void write_sample(struct rts_ptrace_tracer *tracer, const struct rts_ptrace_thread *thread)
{
    const struct rts_ptrace_state *state = &tracer->state;
    uint64_t chain[128];
    struct rts_record record = {
        .kind = RTS_RECORD_SAMPLE,
        .pid = thread->process->pid,
        .tid = thread->tid,
        .time = thread->asked_ns,
        .cpu = thread->stat.cpu,
        .sample =
            {
                .ip = state->ip,
                .kernel_mode = state->in_kernel,
                .register_abi =
                    state->is_32_bit ? PERF_SAMPLE_REGS_ABI_32 : PERF_SAMPLE_REGS_ABI_64,
                .registers = state->registers,
                .stack = state->stack,
                .stack_size = state->stack_size,
            },
    };
    if (tracer->options.call_graph == RTS_CALL_GRAPH_FP) {
        record.sample.callchain = chain;
        record.sample.callchain_size =
            rts_ptrace_state_chain(state, chain, sizeof chain / sizeof *chain);
    }
    rts_record_write_sample(&tracer->records, &tracer->layout, &record);
}

/* It was woken while we had its CPU: on another one, if that was idle. */
static void meet_again(struct rts_ptrace_tracer *tracer, const struct rts_ptrace_thread *thread)
{
    struct rts_ptrace_stat now;
    if (rts_ptrace_stat_read(thread->process->pid, thread->tid, &now))
        rts_ptrace_seat_meet(&tracer->seat, now.cpu);
}

static void let_go_held(struct rts_ptrace_tracer *tracer)
{
    if (tracer->hold.tid == 0)
        return;
    rts_ptrace_release(tracer->hold.tid, tracer->hold.signal);
    tracer->hold.released_ns = rts_clock_monotonic_ns();
    tracer->hold.tid = 0;
}

/* The broker does not answer: all that have stopped are let go. Returns whether to wait no longer:
 * the stack of a thread that runs again is of no use. */
static bool let_all_go(void *context)
{
    struct rts_ptrace_tracer *tracer = context;
    bool held = tracer->hold.tid != 0;
    enum rts_ptrace_outcome outcome;
    int32_t tid, own_child = tracer->own_child;
    int signal;
    tracer->hold.late++;
    let_go_held(tracer);
    while ((outcome = rts_ptrace_wait(&tracer->alarm, own_child, 0, &tid, &signal)) !=
           RTS_PTRACE_PENDING) {
        if (outcome == RTS_PTRACE_GONE && (tid == 0 || tid == own_child))
            break;
        if (outcome == RTS_PTRACE_GONE)
            continue;
        rts_ptrace_release(tid, signal);
        struct rts_ptrace_thread *thread = rts_ptrace_targets_find(&tracer->targets, tid);
        if (!thread || !thread->asked)
            continue;
        unmark(tracer, thread);
        count_stop(tracer, thread, rts_clock_monotonic_ns() - thread->asked_ns);
    }
    return held || tracer->hold.late >= LATE_TURNS_MAX || atomic_load(&tracer->stopping);
}

/* Reads the thread that is held. */
static bool read_held(struct rts_ptrace_tracer *tracer, struct rts_ptrace_process *process)
{
    struct rts_broker *broker = tracer->options.proc.broker;
    int32_t tid = tracer->hold.tid;
    struct rts_ptrace_reader reader = {tracer->options.proc, process->pid, process->direct};
    if (!rts_ptrace_state_read(tid, tracer->layout.user_registers, &tracer->state))
        return false;
    int result = rts_ptrace_state_read_stack(&reader, tid, tracer->stack_bytes, &tracer->state);
    process->direct = reader.direct;
    /* A broker that was late because the machine is busy is another matter. */
    if (result < 0 && (tracer->hold.late == 0 || rts_broker_gave_up(broker, process->pid)))
        give_up(tracer, process);
    return result == 0;
}

static void write_image(struct rts_ptrace_tracer *tracer, const struct rts_ptrace_thread *thread)
{
    const struct rts_proc *proc = &tracer->options.proc;
    tracer->hold.late = 0;
    rts_ptrace_image_write(&tracer->records, &tracer->layout, tracer->options.read_maps, proc,
                           thread->process, &thread->stat, thread->asked_ns);
    if (proc->broker && rts_broker_gave_up(proc->broker, thread->process->pid))
        give_up(tracer, thread->process);
}

/* Reads a thread that has stopped and lets it go. */
static void take_stopped(struct rts_ptrace_tracer *tracer, int32_t tid, int signal, bool wanted)
{
    uint64_t begun = rts_clock_monotonic_ns();
    uint64_t before = rts_ptrace_clock_stopped_ns(&tracer->clock);
    struct rts_ptrace_thread *thread = rts_ptrace_targets_find(&tracer->targets, tid);
    tracer->hold = (struct rts_ptrace_hold){.tid = tid, .signal = signal};
    /* Not asked under this name: a thread that called execve() has got the id of the first one. */
    bool sampled = wanted && thread && thread->asked && read_held(tracer, thread->process);
    let_go_held(tracer);
    if (thread)
        unmark(tracer, thread);
    count_stop(tracer, thread, before + tracer->hold.released_ns - begun);
    if (thread)
        meet_again(tracer, thread);
    if (!sampled)
        return;
    uint64_t period = atomic_load(&tracer->period_ns);
    thread->credit_ns -= thread->credit_ns < period ? thread->credit_ns : period;
    write_image(tracer, thread);
    write_sample(tracer, thread);
    pthread_mutex_lock(&tracer->queue_lock);
    tracer->stops.samples++;
    pthread_mutex_unlock(&tracer->queue_lock);
}

static void nobody_is_seized(struct rts_ptrace_tracer *tracer)
{
    tracer->waiting = false;
    for (size_t i = 0; tracer->asked_count > 0 && i < tracer->targets.count; i++)
        unmark(tracer, tracer->targets.threads[i]);
    tracer->asked_count = 0;
}

/* Takes those that were asked to stop, as they do, until that time. */
static void serve(struct rts_ptrace_tracer *tracer, uint64_t until)
{
    while (tracer->waiting) {
        int32_t tid;
        int signal;
        int32_t own_child = tracer->own_child;
        enum rts_ptrace_outcome outcome =
            rts_ptrace_wait(&tracer->alarm, own_child, 0, &tid, &signal);
        if (outcome == RTS_PTRACE_PENDING) {
            rts_ptrace_clock_begin(&tracer->clock);
            outcome = rts_ptrace_wait(&tracer->alarm, own_child, until, &tid, &signal);
        }
        if (outcome == RTS_PTRACE_PENDING)
            return;
        pthread_mutex_lock(&tracer->targets_lock);
        if (outcome != RTS_PTRACE_GONE)
            take_stopped(tracer, tid, signal, outcome == RTS_PTRACE_STOPPED);
        else if (tid == 0)
            nobody_is_seized(tracer);
        pthread_mutex_unlock(&tracer->targets_lock);
        if (outcome == RTS_PTRACE_GONE && tid == own_child)
            return; /* it will be found again until its exit status has been taken */
    }
}

/* ---- one look ---- */

/* Was it running until we took its CPU? `own_start` is when that was. */
static bool was_running(const struct rts_ptrace_thread *thread, uint64_t own_start)
{
    if (thread->stat.state != 'R')
        return false;
    return own_start == 0 || rts_ptrace_exec_start(thread->process->pid, thread->tid) == own_start;
}

static void look_closely(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread)
{
    if (!rts_ptrace_stat_read(thread->process->pid, thread->tid, &thread->stat)) {
        thread->gone = true;
        return;
    }
    /* A first thread stays a zombie as long as others run. */
    if (thread->stat.state == 'Z' || thread->stat.state == 'X')
        thread->gone = true;
    if (was_running(thread, tracer->own_start))
        ask(tracer, thread);
    else
        rts_ptrace_seat_meet(&tracer->seat, thread->stat.cpu);
}

/* Whether it was asked to stop. */
static bool look_at(void *context, struct rts_ptrace_thread *thread)
{
    struct rts_ptrace_tracer *tracer = context;
    uint64_t period = tracer->targets.first_credit_ns;
    if (atomic_load(&tracer->stopping))
        return true;
    rts_ptrace_thread_measure(&tracer->targets, thread, period + CREDIT_NS_MAX);
    if (thread->gone || thread->asked || thread->process->given_up)
        return false;
    if (thread->rest > 0)
        thread->rest--;
    else if (thread->credit_ns >= period)
        look_closely(tracer, thread);
    return thread->asked;
}

static void write_exit(void *context, const struct rts_ptrace_thread *thread)
{
    struct rts_ptrace_tracer *tracer = context;
    const struct rts_record record = {
        .kind = RTS_RECORD_EXIT,
        .pid = thread->process->pid,
        .tid = thread->tid,
        .time = rts_clock_monotonic_ns(),
        .task = {.parent_pid = thread->process->image.parent},
    };
    rts_record_write_exit(&tracer->records, &tracer->layout, &record);
    /* The last one. */
    if (tracer->options.proc.broker && thread->process->threads == 1)
        rts_broker_forget(tracer->options.proc.broker, thread->process->pid);
}

static void queue_records(struct rts_ptrace_tracer *tracer)
{
    pthread_mutex_lock(&tracer->queue_lock);
    if (tracer->queue.size + tracer->records.size <= QUEUE_BYTES_MAX)
        rts_buffer_append(&tracer->queue, tracer->records.data, tracer->records.size);
    else
        for (size_t at = 0; at < tracer->records.size; tracer->lost++) {
            struct perf_event_header header;
            memcpy(&header, tracer->records.data + at, sizeof header);
            at += header.size;
        }
    pthread_mutex_unlock(&tracer->queue_lock);
    rts_buffer_clear(&tracer->records);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * SECOND_NS + (uint64_t)used.tv_nsec;
}

/* Returns whether there is time for what can wait. */
static bool look(struct rts_ptrace_tracer *tracer)
{
    struct rts_broker *broker = tracer->options.proc.broker;
    tracer->own_start = rts_ptrace_own_exec_start();
    pthread_mutex_lock(&tracer->targets_lock);
    struct rts_ptrace_targets *targets = &tracer->targets;
    targets->first_credit_ns = atomic_load(&tracer->period_ns);
    tracer->own_child = targets->own_child;
    bool has_time =
        rts_ptrace_rounds_begin(&tracer->rounds, rts_clock_monotonic_ns(), thread_cpu_ns());
    rts_ptrace_rounds_look(&tracer->rounds, targets, look_at, tracer);
    pthread_mutex_lock(&tracer->queue_lock);
    tracer->stops.used_ns = targets->used_ns;
    tracer->stops.due = (uint64_t)targets->due;
    tracer->stops.put_off = tracer->rounds.put_off;
    if (broker)
        tracer->asked = rts_broker_counts(broker);
    pthread_mutex_unlock(&tracer->queue_lock);
    pthread_mutex_unlock(&tracer->targets_lock);
    return has_time;
}

/* What takes its time is done when those that were asked to stop have been let go. */
static void tidy(struct rts_ptrace_tracer *tracer, bool has_time)
{
    struct rts_broker *broker = tracer->options.proc.broker;
    pthread_mutex_lock(&tracer->targets_lock);
    if (has_time)
        rts_ptrace_targets_find_new(&tracer->targets);
    if (tracer->targets.has_gone)
        rts_ptrace_targets_sweep(&tracer->targets, write_exit, tracer);
    pthread_mutex_unlock(&tracer->targets_lock);
    queue_records(tracer);
    tracer->seats = rts_ptrace_seat_take(&tracer->seat);
    if (tracer->seats > SEATS_MAX)
        tracer->seats = SEATS_MAX;
    if (broker)
        rts_ptrace_seat_share(&tracer->seat, rts_broker_prepare(broker));
}

/* Between three and five quarters of the mean, or a target that does things at the same pace would
 * always be met at the same thing. */
static uint64_t next_pause(struct rts_ptrace_tracer *tracer)
{
    tracer->random = tracer->random * 1664525u + 1013904223u;
    uint64_t mean = atomic_load(&tracer->period_ns) / LOOKS_PER_PERIOD / tracer->seats;
    return mean * 3 / 4 + mean / 2 * (tracer->random >> 16) / 65536;
}

static void pause_until(struct rts_ptrace_tracer *tracer, uint64_t when)
{
    if (tracer->waiting)
        serve(tracer, when);
    queue_records(tracer);
    const struct timespec time = {(time_t)(when / SECOND_NS), (long)(when % SECOND_NS)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void *run(void *context)
{
    struct rts_ptrace_tracer *tracer = context;
    prctl(PR_SET_TIMERSLACK, 1000UL);
    prctl(PR_SET_NAME, "rtsample-ptrace");
    if (rts_ptrace_alarm_init(&tracer->alarm) < 0)
        return NULL;
    rts_ptrace_hurry(false);
    rts_ptrace_clock_init(&tracer->clock);
    rts_ptrace_seat_init(&tracer->seat);
    rts_seal(RTS_SEAL_TRACER, 0, NULL);
    if (tracer->options.proc.broker)
        rts_broker_on_late(tracer->options.proc.broker, LATE_NS, let_all_go, tracer);
    tidy(tracer, true);
    uint64_t next = rts_clock_monotonic_ns();
    while (!atomic_load(&tracer->stopping)) {
        uint64_t now = rts_clock_monotonic_ns();
        if (now >= next) {
            bool has_time = look(tracer);
            /* They have the time until half of the pause is over; the rest stop when they can. */
            uint64_t pause = next_pause(tracer);
            serve(tracer, now + pause / 2);
            tidy(tracer, has_time);
            next += pause;
            if (next < now) /* we were kept waiting: nothing is caught up on */
                next = now + pause;
        }
        now = rts_clock_monotonic_ns();
        pause_until(tracer, next < now + PAUSE_NS_MAX ? next : now + PAUSE_NS_MAX);
    }
    queue_records(tracer);
    rts_ptrace_clock_finish(&tracer->clock);
    rts_ptrace_alarm_finish(&tracer->alarm);
    return NULL;
}

void rts_ptrace_tracer_init(struct rts_ptrace_tracer *tracer,
                            const struct rts_capture_options *options,
                            const struct perf_event_attr *attr)
{
    tracer->options = *options;
    tracer->layout = (struct rts_record_layout){
        .sample_type = attr->sample_type,
        .user_registers = attr->sample_regs_user,
        .sample_id_all = attr->sample_id_all,
    };
    tracer->stack_bytes = options->call_graph == RTS_CALL_GRAPH_NONE ? 0 : options->stack_bytes;
    atomic_init(&tracer->stopping, false);
    atomic_init(&tracer->period_ns, SECOND_NS / options->frequency);
    tracer->random = (uint32_t)rts_clock_monotonic_ns();
    tracer->seats = 1;
    tracer->state.stack = rts_calloc(1, options->stack_bytes);
    pthread_mutex_init(&tracer->targets_lock, NULL);
    pthread_mutex_init(&tracer->queue_lock, NULL);
    rts_ptrace_targets_init(&tracer->targets);
    rts_ptrace_rounds_init(&tracer->rounds, options->max_cpu_percent);
    tracer->targets.first_credit_ns = SECOND_NS / options->frequency;
}

int rts_ptrace_tracer_start(struct rts_ptrace_tracer *tracer, struct rts_error *error)
{
    if (tracer->runs)
        return 0;
    int number = pthread_create(&tracer->thread, NULL, run, tracer);
    if (number != 0)
        return rts_fail_errno(error, number, "cannot start a thread that traces");
    tracer->runs = true;
    return 0;
}

void rts_ptrace_tracer_stop(struct rts_ptrace_tracer *tracer)
{
    atomic_store(&tracer->stopping, true);
    if (tracer->runs)
        pthread_join(tracer->thread, NULL);
    tracer->runs = false;
}

void rts_ptrace_tracer_finish(struct rts_ptrace_tracer *tracer)
{
    rts_ptrace_targets_finish(&tracer->targets);
    rts_buffer_finish(&tracer->queue);
    rts_buffer_finish(&tracer->records);
    pthread_mutex_destroy(&tracer->targets_lock);
    pthread_mutex_destroy(&tracer->queue_lock);
    free(tracer->state.stack);
}
