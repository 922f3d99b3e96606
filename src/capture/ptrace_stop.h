/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping one thread of another process for a moment (ptrace(2)): seized, interrupted, looked at
 * and let go again. Between two moments nobody is traced: the target's signals, children and job
 * control do not pass through us, a debugger can attach, and when we are killed there is nothing
 * to clean up but the one thread that is stopped, which the kernel lets go as well.
 *
 * All functions are to be called from one thread, since the kernel takes requests from the thread
 * that seized only.
 */
#ifndef RTS_CAPTURE_PTRACE_STOP_H
#define RTS_CAPTURE_PTRACE_STOP_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What became of a thread that was to stop. */
enum rts_ptrace_outcome {
    RTS_PTRACE_STOPPED,       /* it waits for rts_ptrace_release() */
    RTS_PTRACE_GROUP_STOPPED, /* so it does, and job control had stopped it: it was not running */
    RTS_PTRACE_PENDING,       /* not yet */
    RTS_PTRACE_GONE,          /* it has ended */
    RTS_PTRACE_REFUSED,       /* traced by somebody else, or not permitted (any more) */
    RTS_PTRACE_LATE,          /* its process makes whoever wants to trace it wait */
};

/* Ends a wait that takes too long. It is not to be moved. */
struct rts_ptrace_alarm {
    timer_t timer;
    bool armed;
    volatile sig_atomic_t jumps; /* the wait does not end by itself: it is left for `out` */
    sigjmp_buf out;
};

/* For the calling thread. Takes SIGRTMAX - 1 for it. 0 or -errno. */
int rts_ptrace_alarm_init(struct rts_ptrace_alarm *alarm);
void rts_ptrace_alarm_finish(struct rts_ptrace_alarm *alarm);

/* Seizes `tid` and asks it to stop. RTS_PTRACE_PENDING: it will; or GONE, or REFUSED, or LATE after
 * some ms: a process that is about to execute a program cannot be seized meanwhile, and it may have
 * seen to it that this takes for ever. */
enum rts_ptrace_outcome rts_ptrace_ask(struct rts_ptrace_alarm *alarm, int32_t tid);

/* Waits until one of those that were asked has stopped or ended, `until` (CLOCK_MONOTONIC) at most;
 * 0 only looks. *tid says which, *signal what it is to be released with: a signal that was about to
 * be delivered to it, or 0. RTS_PTRACE_PENDING: none yet. RTS_PTRACE_GONE with *tid 0: nobody is
 * seized any more. A thread that ended is waited for, so that its parent learns of it, but for
 * `own_child`, whose exit status is for somebody else here to take. */
enum rts_ptrace_outcome rts_ptrace_wait(const struct rts_ptrace_alarm *alarm, int32_t own_child,
                                        uint64_t until, int32_t *tid, int *signal);

/* Lets a stopped thread go, untraced. In a group-stop it stays stopped. */
void rts_ptrace_release(int32_t tid, int signal);

#endif
