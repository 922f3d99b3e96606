/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guards: which samples are used at all. A sample is asked about before anything costly is done
 * with it, and a drop has one reason, the first of these:
 *
 *     ratio        guard/ratio.h        one in N of each process
 *     rate_limit   guard/rate_limit.h   at most so many per second, shared fairly
 *     cpu_guard    guard/cpu_guard.h    our own CPU time, fed with rts_guard_update()
 *
 * The first two depend on the samples alone, so that a replay decides the same; the third is last,
 * so that what it sheds is in proportion to the work that it saves. Pure.
 */
#ifndef RTS_GUARD_GUARD_H
#define RTS_GUARD_GUARD_H

#include "guard/cpu_guard.h"
#include "types.h"

struct rts_guard_options {
    uint32_t ratio;                 /* 0 and 1: every sample */
    uint32_t max_events_per_second; /* 0: no limit */
    uint32_t max_cpu_percent;       /* of one CPU; 0: no limit */
    uint32_t frequency;             /* Hz, what sampling begins with */
};

struct rts_guard;

struct rts_guard *rts_guard_create(const struct rts_guard_options *options);
void rts_guard_destroy(struct rts_guard *guard);

/* A sample of a process instance: -1 to keep it, or the enum rts_drop that says why not. */
int rts_guard_admit(struct rts_guard *guard, uint64_t instance, uint64_t time_ns);

/* Takes a reading of our own CPU time in (see rts_cpu_guard_update() on when) and returns the CPU
 * guard's view: the frequency that it wants, and its state. Owned by the guard. */
const struct rts_cpu_guard *rts_guard_update(struct rts_guard *guard,
                                             const struct rts_cpu_reading *reading);

/* The CPU guard's view as of the last reading. */
const struct rts_cpu_guard *rts_guard_cpu(const struct rts_guard *guard);

/* True, at most every ten seconds, when people should be told that the state changed. */
bool rts_guard_has_news(struct rts_guard *guard, uint64_t now_ns);

/* Where whole CPUs are sampled and all of them are busy, `cpus` times the frequency is what comes.
 * The frequency at which the ratio and the limit on events let all of it pass: at most that of the
 * options, at least 1. */
uint32_t rts_guard_fitting_frequency(const struct rts_guard_options *options, unsigned cpus);

#endif
