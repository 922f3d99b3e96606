/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and processes that come and go, and how often each of them was sampled. An event that a
 * thread inherits begins with a full period, so that one that ends before it has used that much CPU
 * time is never sampled. Here is counted how many those were, and told when that hides a share of
 * the target that matters. Pure: what the records say goes in.
 */
#ifndef RTS_PROCESS_LIVES_H
#define RTS_PROCESS_LIVES_H

#include <stdbool.h>
#include <stdint.h>

struct rts_lives;

/* What ended without a sample. */
struct rts_lives_unseen {
    uint64_t processes;
    uint64_t threads; /* that were not the first of their process */
};

struct rts_lives *rts_lives_create(void);

/* Accepts NULL. */
void rts_lives_destroy(struct rts_lives *lives);

/* What the records tell, of the target only; `tid` is `pid` for the first thread. A second report
 * of one birth or end changes nothing. Beyond 65,536 lives at a time some are not followed. */
void rts_lives_born(struct rts_lives *lives, int32_t pid, int32_t tid);
void rts_lives_sampled(struct rts_lives *lives, int32_t pid, int32_t tid);
void rts_lives_ended(struct rts_lives *lives, int32_t pid, int32_t tid);

/* The end of a drain, at `now` (ns): judges those that had ended in the drain before, whose last
 * samples have come by now. */
void rts_lives_settle(struct rts_lives *lives, uint64_t now);

/* All that was judged so far. */
struct rts_lives_unseen rts_lives_unseen(const struct rts_lives *lives);

/* Has so much of the last minute or two been spent in lives that gave no more than a few samples
 * that what inherited events do not see of them is beyond a twentieth of all samples? */
bool rts_lives_hide_much(const struct rts_lives *lives);

#endif
