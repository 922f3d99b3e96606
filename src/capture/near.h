/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is read near samples, seen from rtsample. A process that needs it is named, with a
 * plan; from then on
 *
 *     its samples   go into rings that wake a reader on their CPU (near_reader.h)
 *     its switches  are told by events of their own (near_proof.h), in the rings that wake nobody
 *     blobs         come from the reader through memory that is shared (near_memory.h)
 *
 * and in the drain a sample is given the blob that is of it, if it is proven that the thread stood
 * still meanwhile. Samples wait for that, up to RTS_NEAR_WAIT_NS. Nothing of all this is there before
 * the first process is named.
 */
#ifndef RTS_CAPTURE_NEAR_H
#define RTS_CAPTURE_NEAR_H

#include "capture/near_state.h"

/* After that a sample is passed on without: a reader that has not come by then comes too late. */
#define RTS_NEAR_WAIT_NS 10000000u

/* Ends the readers and closes what is open. Accepts one that was never used. */
void rts_near_finish(struct rts_near *near);

/* Has memory of a process read near its samples, by this plan from now on, which may replace an
 * earlier one. Fails when that cannot be had; the error says why. */
int rts_near_want(struct rts_near *near, int32_t pid, const struct rts_near_plan *plan,
                  struct rts_error *error);

/* Why nothing is read any more, in words, when the counts say `ended`. Static. */
const char *rts_near_end_reason(const struct rts_near_counts *counts);

/* No longer. Whoever has ended is left out without this, after a second. */
void rts_near_leave(struct rts_near *near, int32_t pid);

/* Is anything to be done for it in a drain? */
static inline bool rts_near_is_on(const struct rts_near *near)
{
    return near && near->memory && near->count > 0;
}

/* May there be records in the rings that tell of switches? */
static inline bool rts_near_is_told(const struct rts_near *near)
{
    return near && near->switch_events.by_id.count > 0;
}

/* A drain begins, which has all records of up to `latest`. */
static inline void rts_near_begin_drain(struct rts_near *near, uint64_t latest)
{
    near->latest_ns = latest;
}

/* In a drain: a ring of a CPU holds records from `tail` on up to `head`. Were there more than it
 * may have had room for, switches are missing. */
void rts_near_see_room(struct rts_near *near, unsigned cpu, uint64_t tail, uint64_t head);

/* In a drain: takes a record of the ring of a CPU if it tells of a switch, which concerns nobody
 * else. `used`: it has been taken before. */
bool rts_near_take(struct rts_near *near, unsigned cpu, const struct perf_event_header *bytes,
                   bool used);

/* In a drain: the proven blob of a sample, which came by this item of the rings; NULL: there is
 * none. To be called once for each sample, in the order of time. It is there until the next call. */
const struct rts_near_blob *rts_near_pair(struct rts_near *near, unsigned ring,
                                          const struct rts_record *sample);

/* At the end of a drain, which has passed on all samples of up to that time: lets go of what is
 * older, and now and then looks after readers and processes. */
void rts_near_end_drain(struct rts_near *near, uint64_t passed_on, uint64_t now);

#endif
