/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads the tracer looks at when. A look at one costs about a microsecond, and a process
 * may have tens of thousands: those that used the CPU lately are looked at each time, the others in
 * turn, as far as the time that we may use goes. Who was not looked at has lost nothing but time:
 * what it used is seen at the next look.
 */
#ifndef RTS_CAPTURE_PTRACE_ROUNDS_H
#define RTS_CAPTURE_PTRACE_ROUNDS_H

#include "capture/ptrace_targets.h"

/* All zero: no limit. */
struct rts_ptrace_rounds {
    uint64_t limit_ns; /* CPU time per second that the tracer may use; 0: no limit */
    uint64_t now_ns, cpu_ns, elapsed_ns;
    int64_t left_ns;
    size_t busy_next, idle_next; /* where the next look goes on */
    uint64_t put_off;            /* threads that a look had no time for, in all looks */
};

/* `percent` of one CPU; 0: no limit. */
void rts_ptrace_rounds_init(struct rts_ptrace_rounds *rounds, uint32_t percent);

/* Before each look: the time, and the CPU time that the calling thread has used so far. Returns
 * false when it has used more than it may: then nothing is to be done that can wait. */
bool rts_ptrace_rounds_begin(struct rts_ptrace_rounds *rounds, uint64_t now_ns, uint64_t cpu_ns);

/* Calls look_at() for the threads whose turn it is, at least one of either kind; it returns true
 * when the thread was asked to stop. From then on there is little time, for it waits. */
void rts_ptrace_rounds_look(struct rts_ptrace_rounds *rounds, struct rts_ptrace_targets *targets,
                            bool (*look_at)(void *context, struct rts_ptrace_thread *thread),
                            void *context);

#endif
