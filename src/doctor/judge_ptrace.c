/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <string.h>

#include "doctor/fixes.h"

#define BIT(number) (1ULL << (number))

static void fix_ptrace(struct rts_check *check, const struct rts_findings *findings,
                       enum rts_cause cause, const char *system_call)
{
    switch (cause) {
    case RTS_CAUSE_SECCOMP: rts_fix_filter(check, findings, system_call); break;
    case RTS_CAUSE_TRACED:
        rts_check_fix(check, "end process %d, which traces it",
                      (int)findings->target_standing.tracer);
        break;
    case RTS_CAUSE_PTRACE_SCOPE:
        if (findings->standing.yama_scope >= 3) {
            rts_check_fix(check,
                          "reboot, with kernel.yama.ptrace_scope at most 2: from 3 it cannot "
                          "be lowered");
            break;
        }
        rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_PTRACE));
        rts_fix_sysctl(check, findings, "kernel.yama.ptrace_scope=0");
        break;
    case RTS_CAUSE_SECURITY_MODULE: rts_fix_security_module(check, findings); break;
    default: rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_PTRACE));
    }
}

/* Which of the system calls of ptrace sampling a filter refuses; NULL: none. */
static const char *filtered_call(const struct rts_gates *gates)
{
    return gates->ptrace != ESRCH && gates->ptrace != RTS_NOT_TRIED ? "ptrace"
           : gates->process_vm_readv == RTS_KILLED                  ? "process_vm_readv"
                                                   : NULL; /* there is another way to read */
}

static void judge_child(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_ptrace_findings *ptrace = &findings->ptrace;
    const char *filtered = filtered_call(&findings->gates);
    if (ptrace->child == 0 && ptrace->sampling.number == 0) {
        rts_check_found(rts_report_add(report, "ptrace.child", RTS_CHECK_WORKS, NULL),
                        "sampled, with registers and stack");
        return;
    }
    enum rts_cause cause = filtered                             ? RTS_CAUSE_SECCOMP
                           : findings->standing.yama_scope >= 2 ? RTS_CAUSE_PTRACE_SCOPE
                           : ptrace->child == EPERM || ptrace->child == EACCES
                               ? RTS_CAUSE_SECURITY_MODULE
                               : RTS_CAUSE_OTHER;
    struct rts_check *check =
        rts_report_add(report, "ptrace.child", RTS_CHECK_REFUSED, rts_cause_name(cause));
    int number = ptrace->child != 0 ? ptrace->child : ptrace->sampling.number;
    rts_check_found(check, "%s", number == RTS_KILLED ? "SIGSYS" : strerror(number));
    if (filtered)
        rts_check_because(check, "a seccomp filter %s %s",
                          number == RTS_KILLED ? "ends every process that calls" : "refuses",
                          filtered);
    else if (cause == RTS_CAUSE_PTRACE_SCOPE)
        rts_check_because(check, "kernel.yama.ptrace_scope is %d", findings->standing.yama_scope);
    else if (cause == RTS_CAUSE_SECURITY_MODULE)
        rts_check_because(check, "a security module seems to refuse ptrace of an own child");
    else
        rts_check_because(check, "%s", ptrace->sampling.text);
    rts_check_lost(check, "sampling where perf events are refused");
    if (cause != RTS_CAUSE_OTHER)
        fix_ptrace(check, findings, cause, filtered);
}

static void judge_target(const struct rts_findings *findings, struct rts_report *report)
{
    struct rts_refusal refusal;
    if (!rts_process_identity_runs(&findings->target)) {
        rts_check_found(rts_report_add(report, "ptrace.target", RTS_CHECK_UNKNOWN, NULL),
                        "there is nothing to sample");
        return;
    }
    rts_refusal_of_ptrace(&findings->standing, &findings->target_standing, findings->access.tracing,
                          &refusal);
    if (refusal.cause == RTS_CAUSE_NONE) {
        rts_check_found(rts_report_add(report, "ptrace.target", RTS_CHECK_WORKS, NULL),
                        "permitted; it was not stopped for this");
        return;
    }
    struct rts_check *check =
        rts_report_add(report, "ptrace.target", RTS_CHECK_REFUSED, rts_cause_name(refusal.cause));
    rts_check_found(check, "%s",
                    findings->access.tracing > 0 ? strerror(findings->access.tracing)
                                                 : "not possible now");
    rts_check_because(check, "%s", refusal.reason);
    rts_check_lost(check, "sampling it where perf events are refused");
    fix_ptrace(check, findings, refusal.cause, "ptrace");
}

void rts_judge_ptrace(const struct rts_findings *findings, struct rts_report *report)
{
    if (findings->has_target)
        judge_target(findings, report);
    judge_child(findings, report);
}
