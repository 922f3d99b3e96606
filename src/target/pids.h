/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that were named by their ids, with what descends from them. */
#ifndef RTS_TARGET_PIDS_H
#define RTS_TARGET_PIDS_H

#include "target/target.h"

/* Opens the events on them, or on whole CPUs where they have more threads than files may be open,
 * and takes them in. */
int rts_target_attach_pids(struct rts_target *target, struct rts_error *error);

#endif
