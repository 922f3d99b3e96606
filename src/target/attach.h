/* SPDX-License-Identifier: Apache-2.0 */
/* The capture is put on the target, and it is watched whether that has ended. */
#ifndef RTS_TARGET_ATTACH_H
#define RTS_TARGET_ATTACH_H

#include "target/target.h"

/* Opens the events on the target and takes its processes in. */
int rts_target_attach(struct rts_target *target, struct rts_error *error);

/* Lets the command run, if there is one. */
int rts_target_begin(struct rts_target *target, struct rts_error *error);

/* Has the target ended? `thorough`: look at /proc too, not just at what the records said. */
bool rts_target_ended(struct rts_target *target, bool thorough);

#endif
