/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of the target: asked to stop, read when it has, and let go. */
#ifndef RTS_CAPTURE_PTRACE_VISITS_H
#define RTS_CAPTURE_PTRACE_VISITS_H

#include "capture/ptrace_tracer_state.h"

/* How often we look, in one period: who is not met where we sit may be met the next time. */
#define RTS_PTRACE_LOOKS_PER_PERIOD 2

/* Asks a thread to stop, and marks it as asked. */
void rts_ptrace_visits_ask(struct rts_ptrace_tracer *tracer, struct rts_ptrace_thread *thread);

/* Takes those that were asked to stop, as they do, until that time. */
void rts_ptrace_visits_serve(struct rts_ptrace_tracer *tracer, uint64_t until);

/* For rts_broker_on_late(), with the tracer as `context`: the broker does not answer, and all that
 * have stopped are let go. Returns whether to wait no longer: the stack of a thread that runs again
 * is of no use. */
bool rts_ptrace_visits_let_all_go(void *context);

#endif
