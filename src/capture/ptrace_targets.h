/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that are to be sampled by ptrace, and how much CPU time each of them has used. New
 * threads and children are found by their pids: the kernel counts them up, and /proc/loadavg has
 * the last one, so that looking costs nothing while nothing is born.
 */
#ifndef RTS_CAPTURE_PTRACE_TARGETS_H
#define RTS_CAPTURE_PTRACE_TARGETS_H

#include <sys/types.h>

#include "types.h"
#include "util/error.h"
#include "util/table.h"

/* /proc/PID/stat, as far as it is of use here. */
struct rts_ptrace_stat {
    char state;
    char name[17];
    int32_t parent;
    uint64_t cpu_ns; /* user and system, in the kernel's ticks */
    uint32_t cpu;
    /* These change with an exec, and the size with what is mapped. */
    uint64_t code_start, stack_start, memory_size;
};

struct rts_ptrace_process {
    int32_t pid;
    bool unheard_of; /* found here: nobody has been told of it yet */
    unsigned threads;
    struct rts_ptrace_stat image; /* when its maps were read last */
    uint64_t maps_digest;         /* of what was executable in them; 0: not read */
    uint64_t maps_read_ns;
    bool direct;           /* its memory is not read by the broker: struct rts_ptrace_reader */
    unsigned seizing_late; /* times that seizing a thread of it took too long */
    bool given_up;         /* it made us wait: nobody of it is stopped any more */
};

struct rts_ptrace_thread {
    int32_t tid;
    struct rts_ptrace_process *process;
    int schedstat;      /* fd, -1 when files are short */
    uint64_t cpu_ns;    /* used, when last looked at */
    uint64_t credit_ns; /* used and not sampled yet */
    bool asked;         /* to stop, which it has not yet */
    uint64_t asked_ns;
    struct rts_ptrace_stat stat; /* when it was looked at last */
    unsigned rest;               /* ticks that it is to be left alone */
    unsigned rest_next;          /* that it will be, when a stop is too long once more */
    bool gone;
    bool busy;        /* it has used CPU time lately */
    uint64_t grew_ns; /* when that was seen last */
};

/* Births between two looks that are caught in the act; more are found when all of /proc is. */
#define RTS_PTRACE_UNBORN_MAX 32

struct rts_ptrace_targets {
    struct rts_table processes;
    struct rts_table by_tid;
    struct rts_ptrace_thread **threads; /* first those that are busy */
    size_t count, capacity, busy_count;
    bool has_gone; /* some thread has ended: sweep */
    int loadavg;   /* fd, or -1 */
    int32_t last_pid;
    int32_t unborn[RTS_PTRACE_UNBORN_MAX]; /* counted already, and not in /proc yet */
    unsigned unborn_count;
    size_t kept, kept_max; /* files of threads that are kept open, and may be: others need some */
    bool no_schedstat;     /* the kernel has none: stat's coarser times are used */
    int32_t own_child;     /* whose exit status is waited for elsewhere; 0: none */
    uint64_t first_credit_ns; /* what a new thread begins with: one period */
    uint64_t used_ns;         /* CPU time that all of them have used since they were found */
    double due;               /* the same in periods, each as long as it was then */
};

void rts_ptrace_targets_init(struct rts_ptrace_targets *targets);
void rts_ptrace_targets_finish(struct rts_ptrace_targets *targets);

/* Adds a process with all its threads. RTS_NOT_FOUND, or RTS_NOT_PERMITTED, with the tracer's pid
 * when another program traces it, or with what to grant. */
int rts_ptrace_targets_add(struct rts_ptrace_targets *targets, int32_t pid,
                           struct rts_error *error);

/* The thread with this id, or NULL. */
struct rts_ptrace_thread *rts_ptrace_targets_find(const struct rts_ptrace_targets *targets,
                                                  int32_t tid);

/* Looks for threads and children of the processes that are known. */
void rts_ptrace_targets_find_new(struct rts_ptrace_targets *targets);

/* Reads the CPU time of a thread and adds what is new to its credit, which is kept below
 * `limit_ns`, and to what all have used. Marks it as gone when it has ended. */
void rts_ptrace_thread_measure(struct rts_ptrace_targets *targets, struct rts_ptrace_thread *thread,
                               uint64_t limit_ns);

/* Forgets threads that are gone, and their processes; calls `ended` for each of them before. */
void rts_ptrace_targets_sweep(struct rts_ptrace_targets *targets,
                              void (*ended)(void *context, const struct rts_ptrace_thread *thread),
                              void *context);

/* Moves the thread at this index, which is idle, to those that are busy. */
void rts_ptrace_targets_make_busy(struct rts_ptrace_targets *targets, size_t index);

/* The stat of one thread. False when it has ended. */
bool rts_ptrace_stat_read(int32_t pid, int32_t tid, struct rts_ptrace_stat *stat);

#endif
