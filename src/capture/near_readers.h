/* SPDX-License-Identifier: Apache-2.0 */
/* The process that reads memory near samples, as rtsample starts it, sees it and ends it. */
#ifndef RTS_CAPTURE_NEAR_READERS_H
#define RTS_CAPTURE_NEAR_READERS_H

#include "capture/near_state.h"

/* Starts it, with a reader for each ring. Returns 0, or -1 with the error. */
int rts_near_readers_start(struct rts_near *near, struct rts_error *error);

/* Ends it, if there is one. */
void rts_near_readers_stop(struct rts_near *near);

/* CPU time of the present one in ns: no more than it can have used, whatever it says. */
uint64_t rts_near_readers_cpu_ns(const struct rts_near *near, uint64_t now);

/* The process whose memory lets one of the readers hang; 0: nobody's does. */
int32_t rts_near_readers_hang(const struct rts_near *near, uint64_t now);

/* Has it ended by itself? */
bool rts_near_readers_ended(const struct rts_near *near);

/* Counts the CPUs where none may run, and sees whether rings are refused. */
void rts_near_readers_count(struct rts_near *near);

#endif
