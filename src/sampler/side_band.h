/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are no samples: what they tell about processes, and what was lost. */
#ifndef RTS_SAMPLER_SIDE_BAND_H
#define RTS_SAMPLER_SIDE_BAND_H

#include "sampler/sampler_state.h"

/* Takes one such record; `context` is the sampler. */
void rts_sampler_take_side_band(void *context, const struct rts_record *record);

/* Counts what was throttled until `now`, for CPUs that still are. */
void rts_sampler_end_throttling(struct rts_sampler *sampler, uint64_t now);

#endif
