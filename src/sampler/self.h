/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtsample itself: which processes are ours and therefore no targets, and what they use.
 */
#ifndef RTS_SAMPLER_SELF_H
#define RTS_SAMPLER_SELF_H

#include "broker/broker.h"
#include "capture/capture.h"
#include "facts/account.h"
#include "package/rpm_starter.h"

/* All pointers are borrowed. */
struct rts_self {
    int32_t pid;               /* INT32_MIN: nobody's, as where records are of a trace */
    int32_t probe;             /* the process of the self-test; 0: there is none */
    int memory;                /* util/own_memory.h; -1: not to be had */
    struct rts_broker *broker; /* NULL: there is none */
    const struct rts_rpm_starter *starter; /* NULL: there is none */
    const struct rts_capture *capture;     /* NULL: not open yet */
    uint64_t checked_ns, checked_ms; /* when rts_self_measure() was called, and CPU time then */
    double max_cpu_percent;          /* of one CPU, the highest between two of these calls */
};

/* Is this process one of ours? */
bool rts_self_is(const struct rts_self *self, int32_t pid);

/* What our brokers were asked so far. */
struct rts_looking rts_self_looking(const struct rts_self *self);

/* What became of samples near which memory was read. */
struct rts_near_facts rts_self_near(const struct rts_self *self);

/* CPU time that our processes have used so far, user and system, in milliseconds. */
uint64_t rts_self_cpu_ms(const struct rts_self *self);

/* Updates max_cpu_percent; to be called about once a second. */
void rts_self_measure(struct rts_self *self);

#endif
