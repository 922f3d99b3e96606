/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps at most so many samples per second, chosen while they come. Pure: the only clock is the
 * time of the samples themselves, so that a replay decides the same.
 *
 * What holds:
 *  - Of samples in order of time, no second [t, t + 1 s), wherever it begins, has more than the
 *    limit kept. A sample that is older than one before it counts at the newest time seen so far; a
 *    time that goes back by more than a second is a clock that was set, and goes on from there.
 *  - What is kept is spread: after a burst of an eighth of the limit, samples are kept at the pace
 *    of the limit.
 *  - While all processes together stay below the limit, nothing is dropped but from such bursts.
 *  - When they do not, it is shared: processes that ask for less than their fair share keep
 *    (nearly) all, the others get equal parts. For that, a sixteenth of the limit and two more
 *    (half of a limit below 4) are held back from those that ask for more. A limit of 1 has nothing
 * to hold back.
 *
 * How: a sample has to pass up to three counts, all in the time of the samples.
 *
 *     window   the kept times of the last second      the limit, always
 *     bucket   tokens for everybody, limit per second the pace, and what newcomers must leave
 *     credit   tokens of one process, share per s     its part when there is too much
 *
 * The share is the level to which all processes can be served when what is there is poured out over
 * what they asked for in the last second or so (max-min fairness); computed 16 times a second.
 * Memory: 8 bytes for each sample of the limit, and 64 for each of at most 8192 processes; more of
 * them within four seconds share one credit.
 */
#ifndef RTS_GUARD_RATE_LIMIT_H
#define RTS_GUARD_RATE_LIMIT_H

#include "types.h"

/* A higher limit is taken for this one: more samples than any machine unwinds. */
#define RTS_RATE_LIMIT_MAX 1000000

struct rts_rate_limit;

/* `per_second` 0: no limit. */
struct rts_rate_limit *rts_rate_limit_create(uint32_t per_second);
void rts_rate_limit_destroy(struct rts_rate_limit *limit);

/* Takes notice of one sample of a process instance. True: keep it. */
bool rts_rate_limit_admit(struct rts_rate_limit *limit, uint64_t instance, uint64_t time_ns);

#endif
