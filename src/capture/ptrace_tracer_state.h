/* SPDX-License-Identifier: Apache-2.0 */
/* What the thread that traces (ptrace_tracer.c) and its way with single threads of the target
 * (ptrace_visits.c) share; ptrace_capture.c takes from it what is under the locks. */
#ifndef RTS_CAPTURE_PTRACE_TRACER_STATE_H
#define RTS_CAPTURE_PTRACE_TRACER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "broker/broker.h"
#include "capture/capture.h"
#include "capture/ptrace_clock.h"
#include "capture/ptrace_near.h"
#include "capture/ptrace_rounds.h"
#include "capture/ptrace_state.h"
#include "capture/ptrace_stop.h"
#include "capture/ptrace_targets.h"
#include "util/buffer.h"

/* The thread that is being read, while we may have to wait for that. */
struct rts_ptrace_hold {
    int32_t tid; /* it stands still; 0: nobody does */
    int signal;  /* that it is to be released with */
    uint64_t released_ns;
    unsigned late; /* how often it was said that we are late */
};

struct rts_ptrace_tracer {
    struct rts_capture_options options;
    struct rts_record_layout layout;
    uint32_t stack_bytes;
    atomic_bool stopping;
    _Atomic uint64_t period_ns;

    pthread_mutex_t targets_lock;
    struct rts_ptrace_targets targets;
    struct rts_ptrace_plans plans;

    pthread_mutex_t queue_lock;
    struct rts_buffer queue; /* records that nobody has taken yet */
    uint64_t lost;           /* records for which it had no room */
    struct rts_capture_stops stops;
    struct rts_broker_counts asked; /* what the broker has counted */

    /* Of the thread alone. */
    pthread_t thread;
    bool runs;
    struct rts_ptrace_alarm alarm;
    struct rts_ptrace_clock clock;
    struct rts_ptrace_seat seat;
    unsigned seats; /* CPUs that are visited in turn */
    struct rts_ptrace_rounds rounds;
    struct rts_ptrace_state state;
    struct rts_ptrace_hold hold;
    struct rts_buffer records; /* that are not queued yet */
    struct rts_buffer pieces;  /* of the memory of the thread that was read last */
    bool waiting;              /* somebody was asked to stop */
    size_t asked_count;        /* threads that are marked so */
    unsigned given_up_said;
    int32_t own_child;  /* as the targets had it at the last look */
    uint64_t own_start; /* when we began to run, for the current look */
    uint32_t random;
};

#endif
