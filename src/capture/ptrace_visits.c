/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_visits.h"

#include <string.h>

#include "capture/ptrace_image.h"
#include "capture/record_encode.h"
#include "util/clock.h"
#include "util/log.h"

/* Periods that a thread is left alone, at most. */
#define REST_MAX 64

/* What nobody stands still for is waited for so many times as long; the main thread may be waiting
 * for us meanwhile. */
#define LATE_TURNS_MAX 10

/* A process that executes a program cannot be seized for a moment, and one that does so again and
 * again is not worth the time that others stand still. */
#define SEIZING_LATE_MAX 3

/* Processes that are named when they are given up; the others are counted. */
#define SAID_MAX 8

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
    thread->rest = thread->rest_next * RTS_PTRACE_LOOKS_PER_PERIOD * tracer->seats;
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
        rts_log("process %d cannot be stopped, since it never finishes executing a program: it is "
                "given up, and no longer sampled",
                (int)process->pid);
}

void rts_ptrace_visits_ask(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread)
{
    enum rts_ptrace_outcome outcome = rts_ptrace_ask(&tracer->alarm, thread->tid);
    switch (outcome) {
    case RTS_PTRACE_GONE: thread->gone = true; return;
    case RTS_PTRACE_LATE:
    case RTS_PTRACE_REFUSED:
        thread->rest = REST_MAX * RTS_PTRACE_LOOKS_PER_PERIOD;
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
    const size_t padding = -state->stack_size % 8; /* a record has whole words */
    uint64_t chain[128];
    memset(state->stack + state->stack_size, 0, padding);
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
                .stack_asked = state->stack_size + padding,
            },
    };
    if (tracer->options.call_graph == RTS_CALL_GRAPH_FP) {
        record.sample.callchain = chain;
        record.sample.callchain_size =
            rts_ptrace_state_chain(state, chain, sizeof chain / sizeof *chain);
    }
    rts_buffer_append(&tracer->records, tracer->pieces.data, tracer->pieces.size);
    rts_record_encode(&record, &tracer->layout, &tracer->records);
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

bool rts_ptrace_visits_let_all_go(void *context)
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

/* What the process's plan names, in half of the time that a stop may last. */
static int read_pieces(struct rts_ptrace_tracer *tracer, const struct rts_ptrace_thread *thread,
                       struct rts_ptrace_reader *reader)
{
    const struct rts_near_plan *plan = rts_ptrace_plans_find(&tracer->plans, thread->process->pid);
    uint64_t half_ns = (uint64_t)tracer->options.max_stop_us * 1000 / 2;
    rts_buffer_clear(&tracer->pieces);
    if (!plan)
        return 0;
    return rts_ptrace_near_read(reader, tracer->hold.tid, plan, &tracer->state, thread->asked_ns,
                                half_ns > 0 ? rts_clock_monotonic_ns() + half_ns : 0,
                                &tracer->pieces);
}

/* Reads the thread that is held. */
static bool read_held(struct rts_ptrace_tracer *tracer, const struct rts_ptrace_thread *thread)
{
    struct rts_ptrace_process *process = thread->process;
    struct rts_broker *broker = tracer->options.proc.broker;
    int32_t tid = tracer->hold.tid;
    struct rts_ptrace_reader reader = {tracer->options.proc, process->pid, process->direct};
    if (!rts_ptrace_state_read(tid, tracer->layout.user_registers, &tracer->state))
        return false;
    int result = rts_ptrace_state_read_stack(&reader, tid, tracer->stack_bytes, &tracer->state);
    process->direct = reader.direct;
    if (result == 0)
        result = read_pieces(tracer, thread, &reader);
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
    bool sampled = wanted && thread && thread->asked && read_held(tracer, thread);
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

void rts_ptrace_visits_serve(struct rts_ptrace_tracer *tracer, uint64_t until)
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
