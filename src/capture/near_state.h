/* SPDX-License-Identifier: Apache-2.0 */
/* What rtsample has of memory that is read near samples (near.h). */
#ifndef RTS_CAPTURE_NEAR_STATE_H
#define RTS_CAPTURE_NEAR_STATE_H

#include "broker/broker.h"
#include "capture/events.h"
#include "capture/near_events.h"
#include "capture/near_memory.h"
#include "capture/near_proof.h"
#include "capture/perf_rings.h"

/* Processes that were given up are remembered, up to so many. */
#define RTS_NEAR_GIVEN_UP_MAX 32

/* What is seen of a process until it is looked after. */
struct rts_near_watch {
    uint64_t switches;
    unsigned slow; /* readings that took long, in all */
};

struct rts_near {
    /* Borrowed, and set by the caller; the rest is zero. */
    struct rts_perf_rings *rings;
    struct rts_events *events;
    struct rts_broker *broker; /* NULL: there can be no readers */
    struct rts_record_layout layout;
    int64_t clock_offset_ns;
    uint64_t ring_bytes_least;

    struct rts_near_memory *memory; /* NULL: not started */
    int socket;                     /* of the readers; not open while memory is NULL */
    uint64_t started_ns, past_cpu_ns, looked_ns;
    unsigned replaced;
    struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX];
    struct rts_near_watch watches[RTS_NEAR_PROCESSES_MAX]; /* of each */
    unsigned count;
    uint64_t *tails; /* where the drain before the last one began in each ring of a CPU */
    int32_t given_up[RTS_NEAR_GIVEN_UP_MAX];
    unsigned given_up_count;
    struct rts_near_events switch_events;
    struct rts_near_switches switches;
    uint64_t latest_ns;        /* switches of up to then have been told */
    struct rts_near_blob blob; /* of the sample that was paired last */
    struct rts_near_counts counts;
    bool ending; /* nothing waits any more */
};

#endif
