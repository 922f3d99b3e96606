/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that traces: it looks at the targets at the pace of the frequency, stops what it finds
 * running, and queues records. A thread of its own, since a stopped target must not wait until the
 * session has named its stacks.
 */
#ifndef RTS_CAPTURE_PTRACE_TRACER_H
#define RTS_CAPTURE_PTRACE_TRACER_H

#include "capture/ptrace_tracer_state.h"

/* Fills *tracer, which is to be zero; `attr` says how records are laid out. */
void rts_ptrace_tracer_init(struct rts_ptrace_tracer *tracer,
                            const struct rts_capture_options *options,
                            const struct perf_event_attr *attr);

/* Starts the thread unless it runs. */
int rts_ptrace_tracer_start(struct rts_ptrace_tracer *tracer, struct rts_error *error);

/* Ends the thread. What it has seized is let go by the kernel, since its tracer is gone. */
void rts_ptrace_tracer_stop(struct rts_ptrace_tracer *tracer);

/* After stop(). */
void rts_ptrace_tracer_finish(struct rts_ptrace_tracer *tracer);

#endif
