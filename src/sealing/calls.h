/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls are in which group, and which of them are dangerous in the wrong hands. */
#ifndef RTS_SEALING_CALLS_H
#define RTS_SEALING_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* How a call is let through, or not, by one of its arguments. */
enum rts_call_test {
    RTS_CALL_ALWAYS,
    RTS_CALL_EQUAL, /* (argument & mask) == value */
    RTS_CALL_OTHER, /* argument != value */
};

/* One rule. Those of a call that hold at the same time do not contradict each other. */
struct rts_call {
    const char *name; /* may be unknown to this architecture */
    unsigned calls;   /* enum rts_seal_calls: groups that have it */
    enum rts_call_test test;
    unsigned argument;
    uint64_t mask, value;
    bool fatal; /* what calls it has lost control: the process ends */
};

/* The rule at *position for somebody who keeps the groups `calls`, which moves on; false: there is
 * none left. What no rule speaks of is refused as if this kernel did not have it. */
bool rts_call_next(unsigned calls, unsigned *position, struct rts_call *rule);

#endif
