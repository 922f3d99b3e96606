/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_tracer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "capture/ptrace_visits.h"
#include "capture/record_encode.h"
#include "sealing/seal.h"
#include "util/clock.h"
#include "util/memory.h"

/* Records that wait to be taken: beyond this they are lost. */
#define QUEUE_BYTES_MAX ((size_t)64 << 20)

/* CPU time that a thread can be behind with its samples. */
#define CREDIT_NS_MAX RTS_NS_PER_S

/* Each CPU of the target is visited, so many of them at most in one period. */
#define SEATS_MAX 16

/* An end is not kept waiting by a low frequency. */
#define PAUSE_NS_MAX 50000000ULL

/* Nobody stands still for longer while we wait for the broker, whatever it is about. */
#define LATE_NS (RTS_NS_PER_S / 10)

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
        rts_ptrace_visits_ask(tracer, thread);
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
    rts_record_encode(&record, &tracer->layout, &tracer->records);
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
        for (size_t at = 0; at < tracer->records.size;) {
            struct perf_event_header header;
            memcpy(&header, tracer->records.data + at, sizeof header);
            tracer->lost += header.type != RTS_PTRACE_NEAR_TYPE;
            at += header.size;
        }
    pthread_mutex_unlock(&tracer->queue_lock);
    rts_buffer_clear(&tracer->records);
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
    bool has_time = rts_ptrace_rounds_begin(&tracer->rounds, rts_clock_monotonic_ns(),
                                            rts_clock_thread_cpu_ns());
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
    uint64_t mean = atomic_load(&tracer->period_ns) / RTS_PTRACE_LOOKS_PER_PERIOD / tracer->seats;
    return mean * 3 / 4 + mean / 2 * (tracer->random >> 16) / 65536;
}

static void pause_until(struct rts_ptrace_tracer *tracer, uint64_t when)
{
    if (tracer->waiting)
        rts_ptrace_visits_serve(tracer, when);
    queue_records(tracer);
    const struct timespec time = rts_timespec_of(when);
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
        rts_broker_on_late(tracer->options.proc.broker, LATE_NS, rts_ptrace_visits_let_all_go,
                           tracer);
    tidy(tracer, true);
    uint64_t next = rts_clock_monotonic_ns();
    while (!atomic_load(&tracer->stopping)) {
        uint64_t now = rts_clock_monotonic_ns();
        if (now >= next) {
            bool has_time = look(tracer);
            /* They have the time until half of the pause is over; the rest stop when they can. */
            uint64_t pause = next_pause(tracer);
            rts_ptrace_visits_serve(tracer, now + pause / 2);
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
    atomic_init(&tracer->period_ns, RTS_NS_PER_S / options->frequency);
    tracer->random = (uint32_t)rts_clock_monotonic_ns();
    tracer->seats = 1;
    tracer->state.stack = rts_calloc(1, options->stack_bytes + 8); /* for padding, too */
    pthread_mutex_init(&tracer->targets_lock, NULL);
    pthread_mutex_init(&tracer->queue_lock, NULL);
    rts_ptrace_targets_init(&tracer->targets);
    rts_ptrace_rounds_init(&tracer->rounds, options->max_cpu_percent);
    tracer->targets.first_credit_ns = RTS_NS_PER_S / options->frequency;
}

int rts_ptrace_tracer_start(struct rts_ptrace_tracer *tracer, struct rts_error *error)
{
    if (tracer->runs)
        return 0;
    int number = pthread_create(&tracer->thread, NULL, run, tracer);
    if (number != 0)
        return rts_fail_errno(error, number, "cannot start the thread that traces");
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
    rts_buffer_finish(&tracer->pieces);
    pthread_mutex_destroy(&tracer->targets_lock);
    pthread_mutex_destroy(&tracer->queue_lock);
    free(tracer->state.stack);
}
