/* SPDX-License-Identifier: Apache-2.0 */
/* What was not sampled of the target's CPU time, and why, at the end of a run. */
#ifndef RTS_TARGET_UNSEEN_H
#define RTS_TARGET_UNSEEN_H

#include "target/target.h"

/* Tells people. -1: there is no sample at all, since the kernel did not permit any. */
int rts_target_say_unseen(const struct rts_target *target, struct rts_error *error);

#endif
