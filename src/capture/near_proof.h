/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was memory read while the thread was in the state of its sample? The kernel tells when a thread
 * leaves a CPU and when it is back on one (PERF_RECORD_SWITCH):
 *
 *     sample ──▶ out ──▶ the reading begins ──▶ it ends ──▶ in
 *
 * Where it went like that, the thread stood still in the reading. Mostly it has run no instruction
 * since the sample. That cannot be told from one that has run a loop and came by again, so it is not
 * what is asked for: it left with the registers that it had at the sample, and the reader has found
 * its stack to be what the sample has copied. Then all of the stack is one that the thread had, at
 * the moment of the reading: the sample is frozen. Where the registers cannot be had, which takes
 * samples that hit in the kernel, it has to have left within RTS_NEAR_OUT_NS. What is not told so is
 * not proven. Pure.
 */
#ifndef RTS_CAPTURE_NEAR_PROOF_H
#define RTS_CAPTURE_NEAR_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between a sample and the thread's leave: the kernel writes the sample, wakes the reader and
 * switches to it, which takes 25 to 50 us. A thread that went on first, since the reader was not
 * due, leaves at any time in some milliseconds: the longer this is, the more of those pass. */
#define RTS_NEAR_OUT_NS 60000u

/* The same where the registers tell: until then a sample waits for it. */
#define RTS_NEAR_OUT_KNOWN_NS 5000000u

/* Switches that are kept of one CPU: what 20,000 in a second are in the time between two drains and
 * more. Of a CPU with more the older half is forgotten, and what needs it is not proven. */
#define RTS_NEAR_SWITCHES_MAX ((size_t)1 << 14)

struct rts_near_switch {
    uint64_t time;
    int32_t tid;
    bool in;
    uint64_t registers; /* with which it left: rts_near_digest(); 0: not known */
};

/* What is to be proven: that `tid`, sampled on `cpu` at `sample_ns` with these registers (as above),
 * stood still until what was read from `begin_ns` to `end_ns` had been read. */
struct rts_near_moment {
    unsigned cpu;
    int32_t tid;
    uint64_t sample_ns, begin_ns, end_ns;
    uint64_t registers;
};

struct rts_near_switches {
    struct rts_near_switches_of_cpu {
        struct rts_near_switch *items; /* oldest first */
        size_t count, capacity;
    } * cpus;
    unsigned cpu_count;
    uint64_t unsure_until; /* some of before then may be missing */
};

void rts_near_switches_init(struct rts_near_switches *switches, unsigned cpu_count);
void rts_near_switches_finish(struct rts_near_switches *switches);

/* A number that tells registers from others: never 0. */
uint64_t rts_near_digest(const uint64_t *registers, size_t count);

/* A thread was switched to or from; those of a CPU come in the order of time. */
void rts_near_switches_add(struct rts_near_switches *switches, unsigned cpu,
                           const struct rts_near_switch *one);

/* Records were lost until then. */
void rts_near_switches_lost(struct rts_near_switches *switches, uint64_t time);

/* Forgets those of before that time. */
void rts_near_switches_forget(struct rts_near_switches *switches, uint64_t before);

/* Is it proven? All switches up to the end must have been added. */
bool rts_near_is_frozen(const struct rts_near_switches *switches,
                        const struct rts_near_moment *moment);

#endif
