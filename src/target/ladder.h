/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to sample, the best first, and the one that is taken. */
#ifndef RTS_TARGET_LADDER_H
#define RTS_TARGET_LADDER_H

#include "target/target.h"

/* Opens the capture on the target, by the best method that is permitted, and writes the receipt. */
int rts_target_open(struct rts_target *target, struct rts_error *error);

/* The capture is not needed any more. Accepts one that was never opened. */
void rts_target_close(struct rts_target *target);

/* Tells people what is sampled, and what of it the kernel did not permit. */
void rts_target_say_limits(const struct rts_target *target);

#endif
