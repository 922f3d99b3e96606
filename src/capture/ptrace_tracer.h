/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that traces: it looks at the targets at the pace of the frequency, stops what it finds
 * running, and queues records. A thread of its own, since a stopped target must not wait until the
 * session has named its stacks.
 */
#ifndef RTS_CAPTURE_PTRACE_TRACER_H
#define RTS_CAPTURE_PTRACE_TRACER_H

#include <pthread.h>
#include <stdatomic.h>

#include "capture/capture.h"
#include "capture/ptrace_clock.h"
#include "capture/ptrace_state.h"
#include "capture/ptrace_stop.h"
#include "capture/ptrace_targets.h"
#include "util/buffer.h"

struct rts_ptrace_tracer {
    struct rts_capture_options options;
    struct rts_record_layout layout;
    uint32_t stack_bytes;
    atomic_bool stopping;
    _Atomic uint64_t period_ns;

    pthread_mutex_t targets_lock;
    struct rts_ptrace_targets targets;

    pthread_mutex_t queue_lock;
    struct rts_buffer queue; /* records that nobody has taken yet */
    uint64_t lost;           /* records for which it had no room */
    struct rts_capture_stops stops;

    /* Of the thread alone. */
    pthread_t thread;
    bool runs;
    struct rts_ptrace_alarm alarm;
    struct rts_ptrace_clock clock;
    struct rts_ptrace_seat seat;
    unsigned seats; /* CPUs that are visited in turn */
    struct rts_ptrace_state state;
    struct rts_buffer records; /* that are not queued yet */
    bool waiting;              /* somebody was asked to stop */
    int32_t own_child;         /* as the targets had it at the last look */
    uint32_t random;
};

/* Fills *tracer, which is to be zero; `attr` says how records are laid out. */
void rts_ptrace_tracer_init(struct rts_ptrace_tracer *tracer,
                            const struct rts_capture_options *options,
                            const struct perf_event_attr *attr);

/* Starts the thread unless it runs. */
int rts_ptrace_tracer_start(struct rts_ptrace_tracer *tracer, struct rts_error *error);

/* Ends the thread. What it has seized is let go by the kernel, since its tracer is gone. */
void rts_ptrace_tracer_stop(struct rts_ptrace_tracer *tracer);

/* After stop(). */
void rts_ptrace_tracer_finish(struct rts_ptrace_tracer *tracer);

#endif
