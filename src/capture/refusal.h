/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the kernel refused something, by its errno and by elimination, and the least that would have
 * to be granted. Pure: from the facts of standing.h alone.
 *
 * What the kernel's errnos tell: the rules of perf events themselves answer EACCES. EPERM comes
 * from a seccomp filter, a security module, or the limit on locked memory when a ring is mapped;
 * ENOSYS from a filter, or from a kernel that was built without perf events. A call that is not
 * valid in any case (perf_call, ptrace_call) tells a filter from the rest.
 */
#ifndef RTS_CAPTURE_REFUSAL_H
#define RTS_CAPTURE_REFUSAL_H

#include "capture/standing.h"

/* rts_cause_name() gives the word in --stats. */
enum rts_cause {
    RTS_CAUSE_NONE,
    RTS_CAUSE_NOT_BUILT_IN,    /* the kernel has no perf events, or no such event */
    RTS_CAUSE_SECCOMP,         /* a filter refuses the system call */
    RTS_CAUSE_PARANOID,        /* kernel.perf_event_paranoid, for those without a capability */
    RTS_CAUSE_OTHER_USER,      /* it is another user's process */
    RTS_CAUSE_NOT_DUMPABLE,    /* it is kept from its own user */
    RTS_CAUSE_MORE_CAPABLE,    /* it has capabilities that we have not */
    RTS_CAUSE_USER_NAMESPACE,  /* the capability is one of a user namespace only */
    RTS_CAUSE_SECURITY_MODULE, /* nothing else is left: SELinux, AppArmor, lockdown */
    RTS_CAUSE_LOCKED_MEMORY,   /* the limit on locked memory, for the rings */
    RTS_CAUSE_OPEN_FILES,      /* the limit on open files */
    RTS_CAUSE_PTRACE_SCOPE,    /* kernel.yama.ptrace_scope */
    RTS_CAUSE_TRACED,          /* somebody else traces it */
    RTS_CAUSE_NOT_NAMED,       /* ptrace takes processes that are named, not all */
    RTS_CAUSE_MANY_THREADS,    /* each takes an event per CPU, and whole CPUs take fewer */
    RTS_CAUSE_SHORT_LIVES,     /* of threads or processes that end before they are sampled */
    RTS_CAUSE_MANY_CPUS,       /* there are too many to sample them all for a few processes */
    RTS_CAUSE_OTHER,           /* see its errno */
    RTS_CAUSE_COUNT
};

const char *rts_cause_name(enum rts_cause cause);

/* What was asked of perf_event_open(). */
enum rts_perf_scope {
    RTS_PERF_SELF,        /* an event on ourselves, user side */
    RTS_PERF_PROCESS,     /* one on the target, user side */
    RTS_PERF_KERNEL_SIDE, /* samples that hit in the kernel */
    RTS_PERF_CPUS,        /* whole CPUs */
    RTS_PERF_RING,        /* mmap() of the ring */
};

struct rts_refusal {
    enum rts_cause cause;
    char reason[160]; /* a clause: what the matter is */
    char remedy[224]; /* a clause: what to grant or change, in the imperative */
};

/* `number` is the errno of the refusal. `target` is needed for RTS_PERF_PROCESS, and else NULL. */
void rts_refusal_of_perf(const struct rts_standing *standing, enum rts_perf_scope scope,
                         const struct rts_target_standing *target, int number,
                         struct rts_refusal *refusal);

/* Why `target` cannot be traced; `number`: see rts_target_tracing_error(). 0: that went well; then
 * there may still be another tracer or a filter, and the cause is RTS_CAUSE_NONE if there is not.
 */
void rts_refusal_of_ptrace(const struct rts_standing *standing,
                           const struct rts_target_standing *target, int number,
                           struct rts_refusal *refusal);

#endif
