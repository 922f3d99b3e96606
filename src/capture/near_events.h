/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that tell of switches of the threads whose memory is read near samples: by
 * PERF_RECORD_SWITCH, and by a sample of the registers with which a thread leaves its CPU, where
 * samples may hit in the kernel.
 */
#ifndef RTS_CAPTURE_NEAR_EVENTS_H
#define RTS_CAPTURE_NEAR_EVENTS_H

#include "capture/perf_rings.h"
#include "capture/record.h"
#include "util/table.h"

struct rts_near_event {
    int fd;
    int32_t pid; /* of the process for which it was opened */
    uint64_t id; /* as its samples carry it */
    uint64_t closed_ns;
};

/* Zero-initialise. */
struct rts_near_events {
    struct rts_near_event **items;
    size_t count, capacity;
    struct rts_table by_id;          /* struct rts_near_event, also such as are closed */
    struct rts_near_event **retired; /* those: the rings may still have samples of them */
    size_t retired_count, retired_capacity;
};

/* How their samples are laid out, which have these registers. */
struct rts_record_layout rts_near_events_layout(uint64_t user_registers);

/* Is a sample, or that one was throttled, of one of theirs? */
bool rts_near_events_have(const struct rts_near_events *events,
                          const struct perf_event_header *record);

/* Opens them on all threads of a process; what it starts later inherits them. They write into those
 * of the rings that wake nobody. */
int rts_near_events_open(struct rts_near_events *events, const struct rts_perf_rings *rings,
                         int32_t pid, uint64_t user_registers, struct rts_error *error);

/* Closes those of a process; 0: of all. Their records in the rings are known until they are
 * forgotten. */
void rts_near_events_close(struct rts_near_events *events, int32_t pid);

/* All records in the rings are younger than `time`: forgets those that were closed before. */
void rts_near_events_forget(struct rts_near_events *events, uint64_t time);

void rts_near_events_finish(struct rts_near_events *events);

#endif
