/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process may do, and what stands between it and a target: the facts from which refusal.h
 * concludes why the kernel said no. Reading them changes nothing.
 */
#ifndef RTS_CAPTURE_STANDING_H
#define RTS_CAPTURE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/proc.h"

/* Numbers of capabilities: bits of the sets below. */
#define RTS_CAPABILITY_SYS_PTRACE 19
#define RTS_CAPABILITY_SYS_ADMIN  21
#define RTS_CAPABILITY_PERFMON    38

/* Of this process. */
struct rts_standing {
    uint64_t effective, permitted, bounding, ambient; /* sets of capabilities */
    bool knows_perfmon;                               /* the kernel has CAP_PERFMON: Linux 5.8 */
    bool own_user_namespace; /* not the first one: its capabilities do not count for perf events */
    int seccomp;             /* mode: 0 none, 1 strict, 2 a filter; -1: not known */
    uint32_t uid, gid;       /* real ones, which the kernel goes by */
    bool has_sysctl;         /* /proc/sys/kernel is there: what is missing in it is not there */
    bool has_paranoid;
    int paranoid;   /* kernel.perf_event_paranoid */
    int yama_scope; /* kernel.yama.ptrace_scope; -1: there is no Yama */

    /* errno of a call that cannot do anything, since no flag, and no pid, is valid. An answer other
     * than EINVAL, and ESRCH, comes from a seccomp filter or a kernel without that call. */
    int perf_call;
    int ptrace_call;
};

/* Reads it. What cannot be read is as if it were not there. */
void rts_standing_read(const struct rts_proc *proc, struct rts_standing *standing);

/* The same but for perf_call and ptrace_call, which are left 0. */
void rts_standing_look(const struct rts_proc *proc, struct rts_standing *standing);

/* Fills in perf_call. */
void rts_standing_ask_perf(struct rts_standing *standing);

/* What ptrace_call is to be. */
int rts_standing_ask_ptrace(void);

/* What `ask`, which makes a system call and returns its errno, returns in a child: a filter may end
 * the process for it, and then this is RTS_STANDING_KILLED. EAGAIN when there can be no child. */
#define RTS_STANDING_KILLED (-2)
int rts_standing_ask(int (*ask)(void));

/* Does the effective set have what perf events of others take, where it counts? */
bool rts_standing_may_monitor(const struct rts_standing *standing);

/* The same for tracing. */
bool rts_standing_may_trace(const struct rts_standing *standing);

/* Of a process that is to be sampled. */
struct rts_target_standing {
    int32_t pid;
    bool known;        /* its status could be read */
    bool same_user;    /* all its user and group ids are ours */
    bool more_capable; /* it may use capabilities that we may not */
    bool not_dumpable; /* the kernel keeps its memory from its own user: set-uid, prctl() */
    bool descendant;   /* of this process */
    int32_t tracer;    /* who traces it; 0: nobody, or one outside of our pid namespace */
};

/* Reads it. False: there is no such process. */
bool rts_target_standing_read(const struct rts_proc *proc, int32_t pid,
                              const struct rts_standing *standing,
                              struct rts_target_standing *target);

/* The errno that tracing this process would meet, found out without touching it: 0, EPERM or
 * EACCES, ESRCH when it has no memory (any more). */
int rts_target_tracing_error(const char *proc_root, int32_t pid);

#endif
