/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by time. A trace holds the rings of all CPUs one after the other, round by round; what a
 * round ends with (PERF_RECORD_FINISHED_ROUND) says that nothing is older from here on than the
 * newest record of the round before.
 */
#ifndef RTS_TRACE_ORDER_H
#define RTS_TRACE_ORDER_H

#include <linux/perf_event.h>
#include <stdbool.h>

#include "trace/chunk.h"

/* What may wait: beyond it the older half is passed on, although something older might still come.
 * Rounds hold a few MiB each. */
#define RTS_TRACE_WAITING_BYTES ((size_t)256 << 20) /* of chunks */
#define RTS_TRACE_WAITING_MAX   ((size_t)2 << 20)   /* records */

struct rts_trace_item {
    uint64_t time;
    uint64_t number; /* in the order of the file; of equal times the first comes first */
    const struct perf_event_header *header; /* NULL: to be read again, from `offset` */
    uint16_t size;                          /* of it, then */
    struct rts_trace_chunk *chunk;          /* holds it; NULL when it is not in memory */
    uint64_t offset;                        /* in the trace */
};

struct rts_trace_order {
    struct rts_trace_item *heap;
    size_t count, capacity;
    size_t bytes;    /* of the chunks that what waits lies in */
    uint64_t newest; /* time of all records so far */
    uint64_t round;  /* the same at the end of the last round */
    uint64_t safe;   /* up to this time nothing is missing */
    uint64_t passed; /* time of the newest record that was passed on */
    uint64_t late;   /* records that came after a newer one had been passed on */
};

void rts_trace_order_finish(struct rts_trace_order *order);

/* Takes a record in, with the caller's reference to its chunk. */
void rts_trace_order_add(struct rts_trace_order *order, const struct rts_trace_item *item);

/* A round has ended. */
void rts_trace_order_end_round(struct rts_trace_order *order);

/* The oldest record that is due, with its reference: up to `safe`, or, with `all`, any. */
bool rts_trace_order_take(struct rts_trace_order *order, bool all, struct rts_trace_item *item);

#endif
