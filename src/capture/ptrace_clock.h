/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scheduler knows: which thread was running when we began to, and how long we were kept
 * from running. Sampling needs the first. Whoever asks a thread on another CPU to stop stops it
 * some ten microseconds later (a hundred, in a virtual machine), and more often than not at the end
 * of a system call: there a thread looks whether it is to stop, and in between only when it is
 * poked. A thread whose CPU we have taken stands where our timer found it.
 */
#ifndef RTS_CAPTURE_PTRACE_CLOCK_H
#define RTS_CAPTURE_PTRACE_CLOCK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

/* Has the calling thread run as soon as it can, since a stopped thread waits for it: at the lowest
 * real-time priority where that is permitted (CAP_SYS_NICE, RLIMIT_RTPRIO), else in short turns
 * (Linux 6.12). What it does is short and bounded. `heirs`: so have the processes that it forks. */
void rts_ptrace_hurry(bool heirs);

/* The calling thread's own waiting. */
struct rts_ptrace_clock {
    int schedstat; /* fd of its own, or -1 */
    uint64_t begun_ns, delay_ns, turns;
};

void rts_ptrace_clock_init(struct rts_ptrace_clock *clock);
void rts_ptrace_clock_finish(struct rts_ptrace_clock *clock);

/* Called before a thread is asked to stop. */
void rts_ptrace_clock_begin(struct rts_ptrace_clock *clock);

/* Called when it is known to have stopped: for how long it has stood still by now, at most. That is
 * how long we were kept waiting for a CPU after its stop had woken us; without a wait, or where the
 * kernel does not tell, all the time since begin(). */
uint64_t rts_ptrace_clock_stopped_ns(struct rts_ptrace_clock *clock);

/* When a thread last stopped running or was last seen running by the scheduler, in ns on the
 * scheduler's own clock: se.exec_start in /proc/PID/task/TID/sched. When one thread takes the CPU
 * from another, both get the same time: so the caller knows the one that it has interrupted. 0 when
 * the kernel does not tell, or the thread has ended. */
uint64_t rts_ptrace_exec_start(int32_t pid, int32_t tid);
uint64_t rts_ptrace_own_exec_start(void);

/* The CPUs that we may run on, and those where the target was met last. */
struct rts_ptrace_seat {
    cpu_set_t allowed, met;
    int cpu; /* where we are, -1: anywhere */
    int32_t guest;
    int guest_cpu; /* where it is, likewise */
};

void rts_ptrace_seat_init(struct rts_ptrace_seat *seat);

/* The target was met on `cpu`. */
void rts_ptrace_seat_meet(struct rts_ptrace_seat *seat, uint32_t cpu);

/* Moves the calling thread to the next CPU where the target was met; the set is empty after the
 * last one. Returns the number of CPUs in it, at least 1. */
unsigned rts_ptrace_seat_take(struct rts_ptrace_seat *seat);

/* Has process `pid`, which we wait for, run where we do: to wake somebody on another CPU takes ten
 * times as long as to hand over our own. 0: nobody. */
void rts_ptrace_seat_share(struct rts_ptrace_seat *seat, int32_t pid);

#endif
