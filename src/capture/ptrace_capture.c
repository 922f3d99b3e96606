/* SPDX-License-Identifier: Apache-2.0 */
/* The ptrace backend: what the session calls. The work is done in ptrace_tracer.c. */
#include "capture/backend.h"

#include <signal.h>
#include <stdlib.h>

#include "capture/ptrace_tracer.h"
#include "capture/record_encode.h"
#include "util/clock.h"
#include "util/memory.h"

/* How often the queue is emptied. */
#define DRAIN_MS 50

/* More of a stack than most have, and a copy of it takes some microseconds. */
#define STACK_BYTES 32768u

struct ptrace_capture {
    struct rts_capture base;
    uint32_t frequency_max;
    struct rts_ptrace_tracer tracer;
    struct rts_buffer drained; /* the records of the current drain */
    struct rts_ptrace_pieces pieces;
    struct rts_ptrace_plans plans; /* as the tracer has them */
};

static struct ptrace_capture *ptrace_of(struct rts_capture *capture)
{
    return (struct ptrace_capture *)capture;
}

static int add_process(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    struct rts_ptrace_tracer *tracer = &ptrace_of(capture)->tracer;
    /* Stops are waited for, and nobody else has to be woken by them. */
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) == 0 && !(action.sa_flags & SA_NOCLDSTOP)) {
        action.sa_flags |= SA_NOCLDSTOP;
        sigaction(SIGCHLD, &action, NULL);
    }
    pthread_mutex_lock(&tracer->targets_lock);
    int result = rts_ptrace_targets_add(&tracer->targets, pid, error);
    pthread_mutex_unlock(&tracer->targets_lock);
    return result < 0 ? result : rts_ptrace_tracer_start(tracer, error);
}

static int add_group(struct rts_capture *capture, int folder, struct rts_error *error)
{
    (void)folder;
    capture->facts.gave_up |= RTS_FEATURE_CGROUP_EVENTS;
    return rts_fail(error, RTS_FAILED, "ptrace can sample processes only");
}

static int add_cpus(struct rts_capture *capture, struct rts_error *error)
{
    (void)capture;
    return rts_fail(error, RTS_NOT_PERMITTED,
                    "ptrace samples processes that are named (-p PID, -- COMMAND), not all (-a)");
}

static int turn_to_cpus(struct rts_capture *capture, struct rts_error *error)
{
    return add_cpus(capture, error);
}

static void stop(struct rts_capture *capture)
{
    rts_ptrace_tracer_stop(&ptrace_of(capture)->tracer);
}

static void close_events(struct rts_capture *capture)
{
    struct rts_ptrace_tracer *tracer = &ptrace_of(capture)->tracer;
    pthread_mutex_lock(&tracer->targets_lock);
    rts_ptrace_targets_finish(&tracer->targets);
    rts_ptrace_targets_init(&tracer->targets);
    pthread_mutex_unlock(&tracer->targets_lock);
}

static void destroy(struct rts_capture *capture)
{
    struct ptrace_capture *trace = ptrace_of(capture);
    stop(capture);
    rts_ptrace_tracer_finish(&trace->tracer);
    rts_buffer_finish(&trace->drained);
    rts_ptrace_pieces_finish(&trace->pieces);
    free(trace);
}

static int set_frequency(struct rts_capture *capture, uint32_t frequency, struct rts_error *error)
{
    (void)error;
    struct ptrace_capture *trace = ptrace_of(capture);
    uint32_t highest = trace->frequency_max;
    capture->facts.frequency = frequency < 1 ? 1 : frequency < highest ? frequency : highest;
    atomic_store(&trace->tracer.period_ns, (uint64_t)RTS_NS_PER_S / capture->facts.frequency);
    return 0;
}

static int interval_ms(const struct rts_capture *capture)
{
    (void)capture;
    return DRAIN_MS;
}

static size_t poll_fds(const struct rts_capture *capture, struct pollfd *fds, size_t capacity)
{
    (void)capture, (void)fds, (void)capacity;
    return 0;
}

static void mark_end(struct rts_capture *capture)
{
    (void)capture; /* what was lost is counted at each drain */
}

/* Gives a sample the memory that was read with it. */
static void pass_on_sample(struct ptrace_capture *trace, struct rts_record *record,
                           const struct rts_capture_sink *sink)
{
    struct rts_near_counts *counts = &trace->base.facts.near;
    record->sample.near = rts_ptrace_pieces_of(&trace->pieces, record);
    if (rts_ptrace_plans_find(&trace->plans, record->pid)) {
        counts->samples++;
        counts->frozen += record->sample.near != NULL;
        counts->late += record->sample.near == NULL;
    }
    sink->sample(sink->context, record);
}

static void pass_on(struct ptrace_capture *trace, const struct perf_event_header *header,
                    const struct rts_capture_sink *sink)
{
    struct rts_record record;
    if (header->type == RTS_PTRACE_NEAR_TYPE)
        rts_ptrace_pieces_add(&trace->pieces, header);
    else if (rts_record_decode(header, &trace->tracer.layout, &record) < 0)
        sink->malformed(sink->context, record.kind);
    else if (record.kind == RTS_RECORD_SAMPLE)
        pass_on_sample(trace, &record, sink);
    else
        sink->side_band(sink->context, &record);
}

static void drain(struct rts_capture *capture, const struct rts_capture_sink *sink)
{
    struct ptrace_capture *trace = ptrace_of(capture);
    rts_buffer_clear(&trace->drained);
    pthread_mutex_lock(&trace->tracer.queue_lock);
    struct rts_buffer swap = trace->tracer.queue;
    trace->tracer.queue = trace->drained;
    trace->drained = swap;
    uint64_t lost = trace->tracer.lost;
    trace->tracer.lost = 0;
    capture->facts.stops = trace->tracer.stops;
    capture->facts.asked = trace->tracer.asked;
    capture->facts.passed_on_ns = UINT64_MAX;
    pthread_mutex_unlock(&trace->tracer.queue_lock);
    if (lost > 0) {
        const struct rts_record record = {.kind = RTS_RECORD_LOST, .lost = {.records = lost}};
        rts_record_encode(&record, &trace->tracer.layout, &trace->drained);
    }
    for (size_t at = 0; at < trace->drained.size;) {
        const struct perf_event_header *header = (const void *)(trace->drained.data + at);
        pass_on(trace, header, sink);
        at += header->size;
    }
}

static int set_plan(struct ptrace_capture *trace, int32_t pid, const struct rts_near_plan *plan)
{
    struct rts_ptrace_tracer *tracer = &trace->tracer;
    if (!rts_ptrace_plans_set(&trace->plans, pid, plan))
        return -1;
    pthread_mutex_lock(&tracer->targets_lock);
    tracer->plans = trace->plans;
    pthread_mutex_unlock(&tracer->targets_lock);
    return 0;
}

static int near(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                struct rts_error *error)
{
    if (rts_near_plan_bytes(plan) > RTS_NEAR_BYTES_MAX)
        return rts_fail(error, RTS_FAILED, "it is more than is read near samples");
    struct ptrace_capture *trace = ptrace_of(capture);
    if (set_plan(trace, pid, plan) == 0)
        return 0;
    rts_ptrace_plans_drop_ended(&trace->plans);
    if (set_plan(trace, pid, plan) < 0)
        return rts_fail(error, RTS_FAILED, "it is read of %d other processes already",
                        RTS_NEAR_PROCESSES_MAX);
    return 0;
}

static void leave_near(struct rts_capture *capture, int32_t pid)
{
    set_plan(ptrace_of(capture), pid, NULL);
}

static const struct rts_capture_backend backend = {
    .destroy = destroy,
    .add_process = add_process,
    .add_again = add_process,
    .add_cpus = add_cpus,
    .add_group = add_group,
    .turn_to_cpus = turn_to_cpus,
    .near = near,
    .leave_near = leave_near,
    .close_events = close_events,
    .set_frequency = set_frequency,
    .interval_ms = interval_ms,
    .poll_fds = poll_fds,
    .stop = stop,
    .mark_end = mark_end,
    .drain = drain,
};

static uint32_t stack_bytes(const struct rts_capture_options *options)
{
    uint32_t bytes = options->stack_bytes ? options->stack_bytes : STACK_BYTES;
    return bytes < RTS_RECORD_STACK_MAX ? bytes : RTS_RECORD_STACK_MAX;
}

struct rts_capture *rts_capture_create_ptrace(const struct rts_capture_options *options)
{
    struct ptrace_capture *trace = rts_calloc(1, sizeof *trace);
    struct rts_attr_request request = {
        .frequency = options->frequency,
        .call_graph = options->call_graph,
        .stack_bytes = stack_bytes(options),
        .user_registers = options->user_registers,
    };
    struct perf_event_attr attr;
    rts_attr_fill(&attr, &request, RTS_FEATURE_CLOCK_ID | RTS_FEATURE_KERNEL_SIDE);
    trace->base.backend = &backend;
    trace->base.facts = (struct rts_capture_facts){
        .method = "ptrace",
        .frequency = options->frequency,
        .stack_bytes = request.stack_bytes,
    };
    trace->frequency_max = options->frequency;
    struct rts_capture_options settled = *options;
    settled.stack_bytes = request.stack_bytes;
    rts_ptrace_tracer_init(&trace->tracer, &settled, &attr);
    return &trace->base;
}
