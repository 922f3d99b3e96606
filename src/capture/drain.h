/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emptying the rings in an order that is safe to attribute. A thread moves between CPUs, so what it
 * mapped may lie in one ring and its next sample in another. Hence two readings of all heads:
 *
 *     heads A (read first)   samples before these are passed on
 *     heads B (read second)  side-band records before these are applied first
 *
 * Whatever a sample before A depends on was written before that sample, so it lies before B. And
 * of two side-band records the earlier is passed on first, also from one drain to the next: those
 * that are younger than the reading of the first head of B wait for the next drain, for an older
 * one may lie in a ring whose head had been read by then.
 */
#ifndef RTS_CAPTURE_DRAIN_H
#define RTS_CAPTURE_DRAIN_H

#include "capture/capture.h"
#include "capture/events.h"
#include "capture/near.h"
#include "capture/ring.h"

struct rts_drain_item {
    uint64_t time;
    uint64_t position;
    uint32_t cpu;
};

/* Zero-initialise. Scratch memory that is kept from one drain to the next. */
struct rts_drain {
    int64_t clock_offset_ns; /* added to the times of records: what our own clock reads more */
    struct rts_near *near;   /* borrowed; NULL: there is none. Needs a clock, and as many rings as
                                there are in near->rings, twice */
    uint64_t passed_on;      /* all samples of up to then have been passed on; UINT64_MAX: all */
    uint64_t exits_until;    /* threads that had ended by then are settled next */
    struct rts_drain_item *items;
    size_t count, capacity;
    uint64_t *heads; /* A and B of each ring */
    uint8_t *scratch;
};

/* Frees the scratch memory. */
void rts_drain_finish(struct rts_drain *drain);

/* One drain over all `ring_count` rings (those without a page are left out). Samples that `events`
 * does not admit are not passed on. `clock` reads the clock of the records, in ns; NULL: it is not
 * known, and no record waits. */
void rts_drain_run(struct rts_drain *drain, struct rts_ring *rings, unsigned ring_count,
                   const struct rts_record_layout *layout, uint64_t (*clock)(void),
                   struct rts_events *events, const struct rts_capture_sink *sink);

#endif
