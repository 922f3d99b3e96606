/* SPDX-License-Identifier: Apache-2.0 */
/* A process becomes one of the target's. */
#ifndef RTS_TARGET_TAKE_IN_H
#define RTS_TARGET_TAKE_IN_H

#include "target/target.h"

/* Takes a process in. That its maps may not be read is no reason to stop: what it maps from now on
 * is reported by the kernel. `unreadable` counts those, of which the first is said. -1: it is gone;
 * error may be NULL. */
int rts_target_take_in(struct rts_target *target, int32_t pid, unsigned *unreadable,
                       struct rts_error *error);

/* Is this process taken in, and does it live as far as we know? */
bool rts_target_has(const struct rts_target *target, int32_t pid);

/* Is it the limit of threads that the capture has come to? Then whole CPUs may be sampled instead.
 */
bool rts_target_is_limit(const struct rts_error *failure);

#endif
