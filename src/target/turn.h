/* SPDX-License-Identifier: Apache-2.0 */
/* From events of threads to those of whole CPUs: when the target has more threads than files may be
 * open, or, in the middle of a run, when it is one of short lives, which inherited events do not
 * see. Only the target's samples are used then. It takes the permission to sample everybody. */
#ifndef RTS_TARGET_TURN_H
#define RTS_TARGET_TURN_H

#include "target/target.h"

/* Before anything was sampled: what is open is closed. `failure` is why, and is said. -1: it is not
 * permitted. */
int rts_target_begin_with_cpus(struct rts_target *target, const struct rts_error *failure);

/* From here on; `why` is said, and `cause` is what the receipt has for it. -1: nothing has changed,
 * for the reason in *error, which may be NULL. */
int rts_target_turn_to_cpus(struct rts_target *target, const char *cause, const char *why,
                            struct rts_error *error);

/* After a drain: counts what has ended unseen, and turns to whole CPUs when that is much. */
void rts_target_watch_lives(struct rts_target *target, uint64_t now);

#endif
