/* SPDX-License-Identifier: Apache-2.0 */
/* The self-test by itself, without a run: for whoever wants to know now. */
#ifndef RTS_SELFTEST_ALONE_H
#define RTS_SELFTEST_ALONE_H

#include "facts/selftest_facts.h"
#include "util/error.h"

/* Runs a round, sampled by ptrace or by perf events, 999 times a second. Fails when the process of
 * the test cannot be sampled that way. */
int rts_selftest_alone(bool by_ptrace, struct rts_selftest_facts *facts, struct rts_error *error);

#endif
