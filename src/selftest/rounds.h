/* SPDX-License-Identifier: Apache-2.0 */
/* When the self-test is run: a second after the start of a run, and each hour. */
#ifndef RTS_SELFTEST_ROUNDS_H
#define RTS_SELFTEST_ROUNDS_H

#include "selftest/selftest.h"
#include "target/target.h"

/* Zero-initialise: then there is no self-test. */
struct rts_selftest_rounds {
    struct rts_selftest test;
    struct rts_target *target; /* borrowed */
    bool is_open;
    uint64_t next_ns; /* when the next round begins */
};

/* Makes what a self-test takes, while libraries can still be loaded. What cannot be had is said, and
 * there is no self-test then. `now`: CLOCK_MONOTONIC in ns. */
void rts_selftest_rounds_open(struct rts_selftest_rounds *rounds, struct rts_target *target,
                              uint64_t now);

/* To be called after each drain. */
void rts_selftest_rounds_turn(struct rts_selftest_rounds *rounds, uint64_t now);

/* Before the sampler's end. */
void rts_selftest_rounds_close(struct rts_selftest_rounds *rounds);

#endif
