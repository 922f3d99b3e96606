/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in, stacks out: a sample of the target that the guards admit is unwound and handed on;
 * the other records tell about processes (side_band.h). Which samples are not used, and why, is in
 * the account.
 */
#ifndef RTS_SAMPLER_SAMPLER_H
#define RTS_SAMPLER_SAMPLER_H

#include "sampler/sampler_state.h"

/* Fills in all but what is set later: lives, pace, capture. */
void rts_sampler_init(struct rts_sampler *sampler, const struct rts_sampler_setup *setup);

/* `forget` is called with `context` for each object that a mapped file holds. Accepts one that was
 * never filled in. */
void rts_sampler_finish(struct rts_sampler *sampler,
                        void (*forget)(void *context, struct rts_object *object), void *context);

/* Takes what the capture holds. */
void rts_sampler_drain(struct rts_sampler *sampler);

/* Each takes one record; `context` is the sampler. */
void rts_sampler_take_sample(void *context, const struct rts_record *record);
void rts_sampler_take_malformed(void *context, enum rts_record_kind kind);

#endif
