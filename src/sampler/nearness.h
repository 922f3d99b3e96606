/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes need memory that is read near their samples: those of whose stacks a share ends for
 * want of words that a sample does not have, below the stack pointer or beyond the copy of the stack.
 * Each is given a plan, which grows as long as that helps, and is left where it does not. What cannot
 * be had is said once.
 */
#ifndef RTS_SAMPLER_NEARNESS_H
#define RTS_SAMPLER_NEARNESS_H

#include "capture/capture.h"
#include "process/process.h"
#include "unwind/memory.h"
#include "unwind/stack.h"

/* Processes whose plans change after one drain; others have to wait for the next one. */
#define RTS_NEARNESS_CHANGES_MAX 8

/* Zero-initialised: nothing is wanted. */
struct rts_nearness {
    bool wanted; /* memory may be read */
    struct rts_process *changes[RTS_NEARNESS_CHANGES_MAX];
    unsigned change_count;
    struct rts_nearness_place {
        int32_t pid;
        unsigned owner;
    } places[RTS_NEAR_PROCESSES_MAX]; /* those that are read */
    unsigned place_count;
    const struct rts_near_blob *blob; /* of the sample that is being unwound */
    bool used;                        /* a word of it was */
    bool refusal_said, cpus_said, read_said, end_said;
    int32_t hung_said, switching_said; /* pid */
};

/* The stack of a sample of this process has ended. */
void rts_nearness_see(struct rts_nearness *nearness, struct rts_process *process,
                      const struct rts_record *record, const struct rts_stack *stack);

/* After a drain: has the capture read what is needed, and tells people what cannot be had. */
void rts_nearness_settle(struct rts_nearness *nearness, struct rts_capture *capture);

/* Has `memory`, of this sample's copy, go on where that has no more. */
void rts_nearness_extend(struct rts_nearness *nearness, struct rts_memory *memory,
                         const struct rts_sample *sample);

#endif
