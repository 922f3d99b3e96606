/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are followed as they come: those of a control group, or of a container, and those
 * that may be sampled where all were wanted. */
#ifndef RTS_TARGET_GROUP_H
#define RTS_TARGET_GROUP_H

#include "target/target.h"

/* Finds the control group, or the container, and opens the events on it. */
int rts_target_attach_group(struct rts_target *target, struct rts_error *error);

/* Takes in who has come and is not sampled yet. Returns 1 when somebody cannot be, for the reason
 * in *error (which may be NULL), and -1 at the limit of threads. */
int rts_target_follow(struct rts_target *target, struct rts_error *error);

/* Is nobody left in the group? Those who came by themselves are taken in before. `thorough`: /proc
 * is looked at in any case. */
bool rts_target_group_ended(struct rts_target *target, bool thorough);

#endif
