/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More memory of threads that ptrace has stopped, by the plans that are for what is read near samples
 * (near_plan.h): it is read in the stop, where nothing has to be proven. From the thread that traces
 * it goes to the other one as records of our own, before that of the sample.
 */
#ifndef RTS_CAPTURE_PTRACE_NEAR_H
#define RTS_CAPTURE_PTRACE_NEAR_H

#include "capture/near_memory.h"
#include "capture/ptrace_state.h"
#include "util/buffer.h"

/* The type of these records, which the kernel has none of. */
#define RTS_PTRACE_NEAR_TYPE 0x7fffff00u

/* Plans; zero-initialised: none. */
struct rts_ptrace_plans {
    struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX];
};

/* Sets the plan of a process; NULL: takes it away. False: there are too many. */
bool rts_ptrace_plans_set(struct rts_ptrace_plans *plans, int32_t pid,
                          const struct rts_near_plan *plan);

/* Takes away those of processes that have ended. */
void rts_ptrace_plans_drop_ended(struct rts_ptrace_plans *plans);

/* NULL: there is none for this process. */
const struct rts_near_plan *rts_ptrace_plans_find(const struct rts_ptrace_plans *plans,
                                                  int32_t pid);

/* Reads what a plan names from a stopped thread, whose registers and stack are in *state, and
 * appends it as records of the sample at `time_ns`; no more than can be had until `until_ns` (0: as
 * long as it takes). -1: the broker gave no answer in time. */
int rts_ptrace_near_read(struct rts_ptrace_reader *reader, int32_t tid,
                         const struct rts_near_plan *plan, const struct rts_ptrace_state *state,
                         uint64_t time_ns, uint64_t until_ns, struct rts_buffer *out);

/* What such records have come to; zero-initialised. */
struct rts_ptrace_pieces {
    struct rts_near_blob blob;
    struct rts_buffer bytes;
};

void rts_ptrace_pieces_finish(struct rts_ptrace_pieces *pieces);

/* Takes one of those records. */
void rts_ptrace_pieces_add(struct rts_ptrace_pieces *pieces,
                           const struct perf_event_header *header);

/* What came for a sample; NULL: nothing. It is there until the next record is taken. */
const struct rts_near_blob *rts_ptrace_pieces_of(struct rts_ptrace_pieces *pieces,
                                                 const struct rts_record *sample);

#endif
