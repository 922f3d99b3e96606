/* SPDX-License-Identifier: Apache-2.0 */
/* Processes whose events the kernel has ended while they live on: it does so to one that executes a
 * file that is set-uid, or that its user may not read. */
#ifndef RTS_TARGET_REJOIN_H
#define RTS_TARGET_REJOIN_H

#include "target/target.h"

/* Samples them anew, or says, once for each, that it cannot. */
void rts_target_rejoin(struct rts_target *target);

#endif
