/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one in N samples of every process instance, by counting: the same records give the same
 * choice, and no process is left out for another's sake. Where an instance's count begins follows
 * from its number, so that of N short-lived instances with one sample each, one is kept as well.
 * Pure.
 *
 * Memory is bounded: an instance that has not been seen while 32768 others were is forgotten, and
 * starts anew when it comes back.
 */
#ifndef RTS_GUARD_RATIO_H
#define RTS_GUARD_RATIO_H

#include "types.h"

struct rts_ratio;

/* `ratio` 0 and 1 keep everything. */
struct rts_ratio *rts_ratio_create(uint32_t ratio);
void rts_ratio_destroy(struct rts_ratio *guard);

/* Counts one sample of the instance. True: keep it. */
bool rts_ratio_admit(struct rts_ratio *guard, uint64_t instance);

#endif
