/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* From this level on, Debian's and Ubuntu's kernels refuse everybody without the capability. */
#define PARANOID_EVERYTHING 3

const char *rts_cause_name(enum rts_cause cause)
{
    static const char *const names[RTS_CAUSE_COUNT] = {
        [RTS_CAUSE_NONE] = "none",
        [RTS_CAUSE_NOT_BUILT_IN] = "not_built_in",
        [RTS_CAUSE_SECCOMP] = "seccomp",
        [RTS_CAUSE_PARANOID] = "paranoid",
        [RTS_CAUSE_OTHER_USER] = "other_user",
        [RTS_CAUSE_NOT_DUMPABLE] = "not_dumpable",
        [RTS_CAUSE_MORE_CAPABLE] = "more_capable",
        [RTS_CAUSE_USER_NAMESPACE] = "user_namespace",
        [RTS_CAUSE_SECURITY_MODULE] = "security_module",
        [RTS_CAUSE_LOCKED_MEMORY] = "locked_memory",
        [RTS_CAUSE_OPEN_FILES] = "open_files",
        [RTS_CAUSE_PTRACE_SCOPE] = "ptrace_scope",
        [RTS_CAUSE_TRACED] = "traced",
        [RTS_CAUSE_NOT_NAMED] = "not_named",
        [RTS_CAUSE_MANY_THREADS] = "many_threads",
        [RTS_CAUSE_SHORT_LIVES] = "short_lives",
        [RTS_CAUSE_MANY_CPUS] = "many_cpus",
        [RTS_CAUSE_OTHER] = "other",
    };
    return (unsigned)cause < RTS_CAUSE_COUNT ? names[cause] : "other";
}

static void say(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, size, format, arguments);
    va_end(arguments);
}

#define REASON(...) say(refusal->reason, sizeof refusal->reason, __VA_ARGS__)
#define REMEDY(...) say(refusal->remedy, sizeof refusal->remedy, __VA_ARGS__)

static const char *monitor(const struct rts_standing *standing)
{
    return standing->knows_perfmon ? "CAP_PERFMON" : "CAP_SYS_ADMIN";
}

/* Root is not told to run as root: it lacks what its container withholds. */
static const char *or_as_root(const struct rts_standing *standing)
{
    return standing->uid == 0 ? "" : ", or run as root";
}

static const char *or_as_its_user(const struct rts_standing *standing)
{
    return standing->uid == 0 ? ", or run as its user" : ", or run as root or as its user";
}

/* ---- perf events ---- */

static enum rts_cause cause_of_enosys(const struct rts_standing *standing)
{
    if (standing->has_paranoid) /* the kernel has perf events, or this file were not there */
        return RTS_CAUSE_SECCOMP;
    bool filtered = !standing->has_sysctl && standing->seccomp != 0;
    return filtered ? RTS_CAUSE_SECCOMP : RTS_CAUSE_NOT_BUILT_IN;
}

/* At that level Debian's kernels heed CAP_SYS_ADMIN alone, not CAP_PERFMON. */
static bool everything_is_refused(const struct rts_standing *standing)
{
    bool admin = standing->effective & 1ULL << RTS_CAPABILITY_SYS_ADMIN;
    return standing->has_paranoid && standing->paranoid >= PARANOID_EVERYTHING &&
           (!admin || standing->own_user_namespace);
}

static enum rts_cause cause_of_process(const struct rts_target_standing *target)
{
    if (!target || !target->known || !target->same_user)
        return RTS_CAUSE_OTHER_USER;
    return target->not_dumpable   ? RTS_CAUSE_NOT_DUMPABLE
           : target->more_capable ? RTS_CAUSE_MORE_CAPABLE
                                  : RTS_CAUSE_SECURITY_MODULE;
}

/* The lowest level that refuses this to those without the capability. */
static int refusing_level(enum rts_perf_scope scope)
{
    switch (scope) {
    case RTS_PERF_CPUS: return 1;
    case RTS_PERF_KERNEL_SIDE: return 2;
    default: return PARANOID_EVERYTHING;
    }
}

static enum rts_cause cause_of_denial(const struct rts_standing *standing,
                                      enum rts_perf_scope scope,
                                      const struct rts_target_standing *target)
{
    const uint64_t monitoring = 1ULL << RTS_CAPABILITY_PERFMON | 1ULL << RTS_CAPABILITY_SYS_ADMIN;
    if (everything_is_refused(standing))
        return standing->own_user_namespace && standing->effective & monitoring
                   ? RTS_CAUSE_USER_NAMESPACE
                   : RTS_CAUSE_PARANOID;
    if (rts_standing_may_monitor(standing))
        return RTS_CAUSE_SECURITY_MODULE;
    bool by_level = standing->has_paranoid ? standing->paranoid >= refusing_level(scope)
                                           : scope != RTS_PERF_PROCESS;
    enum rts_cause cause = by_level                    ? RTS_CAUSE_PARANOID
                           : scope == RTS_PERF_PROCESS ? cause_of_process(target)
                                                       : RTS_CAUSE_SECURITY_MODULE;
    /* The capability seems to be there and does not count. */
    if (cause != RTS_CAUSE_SECURITY_MODULE && standing->effective & monitoring)
        return RTS_CAUSE_USER_NAMESPACE;
    return cause;
}

static enum rts_cause cause_of_perf(const struct rts_standing *standing, enum rts_perf_scope scope,
                                    const struct rts_target_standing *target, int number)
{
    bool denied = number == EACCES || number == EPERM;
    if (number == EMFILE || number == ENFILE)
        return RTS_CAUSE_OPEN_FILES;
    if (scope == RTS_PERF_RING)
        return denied || number == ENOMEM || number == EAGAIN ? RTS_CAUSE_LOCKED_MEMORY
                                                              : RTS_CAUSE_OTHER;
    if (number == ENOSYS)
        return cause_of_enosys(standing);
    if (number == ENODEV || number == ENOENT || number == EOPNOTSUPP)
        return RTS_CAUSE_NOT_BUILT_IN;
    if (!denied)
        return RTS_CAUSE_OTHER;
    if (standing->perf_call == EPERM || standing->perf_call == EACCES)
        /* Debian's kernels look at the level before anything else. */
        return standing->perf_call == EACCES && everything_is_refused(standing)
                   ? cause_of_denial(standing, scope, target)
                   : RTS_CAUSE_SECCOMP;
    return number == EPERM ? RTS_CAUSE_SECURITY_MODULE : cause_of_denial(standing, scope, target);
}

static void say_paranoid(const struct rts_standing *standing, enum rts_perf_scope scope,
                         struct rts_refusal *refusal)
{
    if (everything_is_refused(standing))
        REASON("kernel.perf_event_paranoid is %d, where %s", standing->paranoid,
               rts_standing_may_monitor(standing) ? "this kernel heeds CAP_SYS_ADMIN alone"
                                                  : "perf events need CAP_SYS_ADMIN");
    else if (standing->has_paranoid)
        REASON("kernel.perf_event_paranoid is %d, and there is no %s", standing->paranoid,
               monitor(standing));
    else
        REASON("there is no %s", monitor(standing));
    REMEDY("grant %s%s, or set kernel.perf_event_paranoid to %d",
           everything_is_refused(standing) ? "CAP_SYS_ADMIN" : monitor(standing),
           standing->uid == 0 ? "" : ", run as root", refusing_level(scope) - 1);
}

void rts_refusal_of_perf(const struct rts_standing *standing, enum rts_perf_scope scope,
                         const struct rts_target_standing *target, int number,
                         struct rts_refusal *refusal)
{
    *refusal = (struct rts_refusal){.cause = cause_of_perf(standing, scope, target, number)};
    const char *capability = monitor(standing);
    switch (refusal->cause) {
    case RTS_CAUSE_NOT_BUILT_IN:
        REASON("this kernel has no %s",
               number == ENOSYS ? "perf_event_open (CONFIG_PERF_EVENTS)" : "such perf event");
        REMEDY("use a kernel with perf events, or --method ptrace");
        break;
    case RTS_CAUSE_SECCOMP:
        REASON("a seccomp filter refuses perf_event_open (%s)", strerror(number));
        REMEDY("let the container's seccomp profile allow perf_event_open (runtimes tie it to "
               "CAP_PERFMON, older ones to CAP_SYS_ADMIN)");
        break;
    case RTS_CAUSE_PARANOID: say_paranoid(standing, scope, refusal); break;
    case RTS_CAUSE_OTHER_USER:
        REASON("it belongs to another user, and there is no %s", capability);
        REMEDY("grant %s (and CAP_SYS_PTRACE, to read its files)%s", capability,
               or_as_its_user(standing));
        break;
    case RTS_CAUSE_NOT_DUMPABLE:
        REASON("it is not dumpable (set-uid, or prctl), and there is no %s", capability);
        REMEDY("grant %s and CAP_SYS_PTRACE%s", capability, or_as_root(standing));
        break;
    case RTS_CAUSE_MORE_CAPABLE:
        REASON("it has capabilities that we lack, and there is no %s", capability);
        REMEDY("grant %s and CAP_SYS_PTRACE%s", capability, or_as_root(standing));
        break;
    case RTS_CAUSE_USER_NAMESPACE:
        REASON("%s is there in a user namespace only, where perf events do not heed it",
               standing->effective & 1ULL << RTS_CAPABILITY_PERFMON ? "CAP_PERFMON"
                                                                    : "CAP_SYS_ADMIN");
        REMEDY("run outside of the user namespace (a rootful container)");
        break;
    case RTS_CAUSE_SECURITY_MODULE:
        REASON("a security module (SELinux, AppArmor, lockdown) seems to refuse it: %s",
               strerror(number));
        REMEDY("look for the denial in the audit log, and allow it there");
        break;
    case RTS_CAUSE_LOCKED_MEMORY:
        REASON("the rings may not be mapped: %s", strerror(number));
        REMEDY("raise kernel.perf_event_mlock_kb or the limit on locked memory (ulimit -l), grant "
               "CAP_IPC_LOCK, or end other profilers of this user");
        break;
    case RTS_CAUSE_OPEN_FILES:
        REASON("each thread takes an open file per CPU, and there may be no more of them");
        REMEDY("raise the limit on open files (ulimit -n)");
        break;
    default: REASON("perf_event_open: %s", strerror(number)); REMEDY("see perf_event_open(2)");
    }
}

/* ---- ptrace ---- */

static enum rts_cause cause_of_ptrace(const struct rts_standing *standing,
                                      const struct rts_target_standing *target, int number)
{
    if (standing->ptrace_call != ESRCH)
        return RTS_CAUSE_SECCOMP;
    if (target->tracer > 0)
        return RTS_CAUSE_TRACED;
    if (number == 0)
        return RTS_CAUSE_NONE;
    if (number != EACCES && number != EPERM)
        return RTS_CAUSE_OTHER;
    if (standing->yama_scope >= 3)
        return RTS_CAUSE_PTRACE_SCOPE;
    if (rts_standing_may_trace(standing))
        return standing->own_user_namespace ? RTS_CAUSE_USER_NAMESPACE : RTS_CAUSE_SECURITY_MODULE;
    enum rts_cause cause = cause_of_process(target);
    bool by_yama = standing->yama_scope == 2 || (standing->yama_scope == 1 && !target->descendant);
    return cause == RTS_CAUSE_SECURITY_MODULE && by_yama ? RTS_CAUSE_PTRACE_SCOPE : cause;
}

void rts_refusal_of_ptrace(const struct rts_standing *standing,
                           const struct rts_target_standing *target, int number,
                           struct rts_refusal *refusal)
{
    *refusal = (struct rts_refusal){.cause = cause_of_ptrace(standing, target, number)};
    switch (refusal->cause) {
    case RTS_CAUSE_NONE: break;
    case RTS_CAUSE_SECCOMP:
        REASON("a seccomp filter refuses ptrace (%s)", strerror(standing->ptrace_call));
        REMEDY("let the container's seccomp profile allow ptrace (runtimes tie it to "
               "CAP_SYS_PTRACE)");
        break;
    case RTS_CAUSE_TRACED:
        REASON("process %d traces it already, and there can be only one", (int)target->tracer);
        REMEDY("end that one");
        break;
    case RTS_CAUSE_PTRACE_SCOPE:
        REASON("kernel.yama.ptrace_scope is %d", standing->yama_scope);
        if (standing->yama_scope >= 3)
            REMEDY("it cannot be lowered before the next boot");
        else
            REMEDY("grant CAP_SYS_PTRACE, or set kernel.yama.ptrace_scope to 0");
        break;
    case RTS_CAUSE_OTHER_USER:
        REASON("it belongs to another user, and there is no CAP_SYS_PTRACE");
        REMEDY("grant CAP_SYS_PTRACE%s", or_as_its_user(standing));
        break;
    case RTS_CAUSE_NOT_DUMPABLE:
        REASON("it is not dumpable (set-uid, or prctl), and there is no CAP_SYS_PTRACE");
        REMEDY("grant CAP_SYS_PTRACE%s", or_as_root(standing));
        break;
    case RTS_CAUSE_MORE_CAPABLE:
        REASON("it has capabilities that we lack, and there is no CAP_SYS_PTRACE");
        REMEDY("grant CAP_SYS_PTRACE%s", or_as_root(standing));
        break;
    case RTS_CAUSE_USER_NAMESPACE:
        REASON("CAP_SYS_PTRACE is there in a user namespace only, and the process is not of it");
        REMEDY("run outside of the user namespace (a rootful container)");
        break;
    case RTS_CAUSE_SECURITY_MODULE:
        REASON("a security module (SELinux, AppArmor) seems to refuse it: %s", strerror(number));
        REMEDY("look for the denial in the audit log, and allow it there");
        break;
    default: REASON("its memory cannot be opened: %s", strerror(number)); REMEDY("see ptrace(2)");
    }
}
