/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/refusal.h"

static void describe(const struct rts_findings *findings, struct rts_report *report)
{
    report->where = findings->host.where;
    report->user = findings->self.user;
    report->pid = findings->target_pid;
    snprintf(report->kernel, sizeof report->kernel, "%s", findings->host.release);
    if (!findings->has_target)
        snprintf(report->subject, sizeof report->subject, "sampling of a command of one's own");
    else if (!findings->target.known)
        snprintf(report->subject, sizeof report->subject, "sampling of process %d",
                 (int)findings->target_pid);
    else
        snprintf(report->subject, sizeof report->subject, "sampling of process %d (%s)",
                 (int)findings->target_pid, findings->target.name);
}

static bool works(const struct rts_report *report, const char *key)
{
    const struct rts_check *check = rts_report_find(report, key);
    return check && (check->state == RTS_CHECK_WORKS || check->state == RTS_CHECK_LIMITED);
}

static const struct rts_check *first_refused(const struct rts_report *report,
                                             const char *const *keys)
{
    for (; *keys; keys++) {
        const struct rts_check *check = rts_report_find(report, *keys);
        if (check && check->state == RTS_CHECK_REFUSED)
            return check;
    }
    return NULL;
}

static void conclude_works(const struct rts_findings *findings, struct rts_report *report,
                           bool by_perf)
{
    const struct rts_sampling *sampling =
        findings->has_target ? &findings->perf.of_target : &findings->perf.child;
    report->method = by_perf ? "perf" : "ptrace";
    const char *how = !by_perf ? "works by ptrace only, which stops threads for some ten to some "
                                 "hundred microseconds per sample"
                      : sampling->lost_kernel ? "works by perf events, except within system calls"
                                              : "works by perf events";
    snprintf(report->verdict, sizeof report->verdict, "It %s.", how);
}

/* Each check names what it takes by itself, and setcap replaces what another one has granted: where
 * capabilities are missing, the fix is to grant all of them. */
static const char *whole_fix(const struct rts_report *report, const struct rts_check *check)
{
    static const enum rts_cause causes[] = {RTS_CAUSE_PARANOID, RTS_CAUSE_OTHER_USER,
                                            RTS_CAUSE_NOT_DUMPABLE, RTS_CAUSE_MORE_CAPABLE,
                                            RTS_CAUSE_USER_NAMESPACE};
    const struct rts_check *all = rts_report_find(report, "self.capabilities");
    for (size_t i = 0; check->cause && i < sizeof causes / sizeof *causes; i++)
        if (strcmp(check->cause, rts_cause_name(causes[i])) == 0 && all->fix_count > 0)
            return all->fixes[0];
    return check->fix_count > 0 ? check->fixes[0] : "";
}

static void conclude_refused(const struct rts_findings *findings, struct rts_report *report)
{
    static const char *const keys[] = {"target.process", "self.proc",    "target.maps",
                                       "perf.target",    "perf.child",   "perf.rings",
                                       "ptrace.target",  "ptrace.child", NULL};
    const struct rts_check *check = first_refused(report, keys);
    bool gone = findings->has_target && !rts_process_identity_runs(&findings->target) &&
                !(check && check->cause && strcmp(check->cause, "hidden") == 0) &&
                findings->host.has_proc && findings->host.proc_is_ours;
    report->status = gone ? RTS_NOT_FOUND : RTS_NOT_PERMITTED;
    snprintf(report->verdict, sizeof report->verdict, "It does not work: %s.",
             check && *check->because ? check->because : "see below");
    if (check)
        snprintf(report->fix, sizeof report->fix, "%s", whole_fix(report, check));
}

void rts_judge(const struct rts_findings *findings, struct rts_report *report)
{
    *report = (struct rts_report){0};
    describe(findings, report);
    rts_judge_perf(findings, report);
    rts_judge_ptrace(findings, report);
    if (findings->has_target)
        rts_judge_target(findings, report);
    rts_judge_near(findings, report);
    rts_judge_entry(findings, report);
    rts_judge_self(findings, report);
    rts_judge_kernel(findings, report);

    bool named = !findings->has_target ||
                 (rts_process_identity_runs(&findings->target) && findings->access.maps == 0);
    bool by_perf = named && works(report, findings->has_target ? "perf.target" : "perf.child");
    bool by_ptrace = named && works(report, "ptrace.child") &&
                     (!findings->has_target || works(report, "ptrace.target"));
    if (by_perf || by_ptrace)
        conclude_works(findings, report, by_perf);
    else
        conclude_refused(findings, report);
    rts_judge_endpoint(findings, report);
}
