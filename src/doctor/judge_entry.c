/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctor/fixes.h"

#define BIT(number) (1ULL << (number))

/* A breakpoint on functions of ours is a perf event like others. */
static void judge_breakpoint(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_entry_findings *entry = &findings->entry;
    const char *key = "entry.breakpoint";
    if (entry->breakpoint == 0 && entry->breakpoint_hits == RTS_ENTRY_CALLS) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL),
                        "%" PRIu64 " of %d calls counted", entry->breakpoint_hits, RTS_ENTRY_CALLS);
        return;
    }
    bool taken = entry->breakpoint == ENOSPC;
    bool never = entry->breakpoint == 0;
    bool no_perf = findings->perf.own != 0;
    struct rts_check *check =
        rts_report_add(report, key, no_perf ? RTS_CHECK_UNKNOWN : RTS_CHECK_REFUSED,
                       no_perf ? NULL
                       : taken ? "breakpoints_taken"
                       : never ? "never_fires"
                               : rts_cause_name(RTS_CAUSE_NOT_BUILT_IN));
    if (no_perf) {
        rts_check_found(check, "perf events are refused altogether");
        return;
    }
    rts_check_found(check, "%s", never ? "armed, no call counted" : strerror(entry->breakpoint));
    rts_check_because(check, "%s",
                      taken   ? "debuggers or other profilers hold all of the CPU's breakpoints"
                      : never ? "one can be armed and does not fire: the virtual machine does not "
                                "pass debug exceptions on"
                              : "this CPU, or the machine that emulates it, has no breakpoints");
    rts_check_lost(check, "exact evidence that a function was entered, for up to four functions");
    if (taken)
        rts_check_fix(check, "end the debuggers and profilers that hold them");
}

static void judge_uprobe(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_entry_findings *entry = &findings->entry;
    const char *key = "entry.uprobe";
    bool no_perf = findings->perf.own != 0;
    if (no_perf || (entry->uprobe == ENODEV && !findings->host.has_sys)) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_UNKNOWN, no_perf ? NULL : "no_sys"),
                        "%s", no_perf ? "perf events are refused altogether" : "there is no /sys");
        return;
    }
    if (entry->uprobe == 0 && entry->uprobe_hits == RTS_ENTRY_CALLS) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL),
                        "%" PRIu64 " of %d calls counted", entry->uprobe_hits, RTS_ENTRY_CALLS);
        return;
    }
    bool denied = entry->uprobe == EACCES || entry->uprobe == EPERM;
    struct rts_check *check =
        rts_report_add(report, key, RTS_CHECK_REFUSED,
                       denied ? "capability" : rts_cause_name(RTS_CAUSE_NOT_BUILT_IN));
    rts_check_found(check, "%s", entry->uprobe ? strerror(entry->uprobe) : "no call counted");
    rts_check_because(check, "%s",
                      denied ? "uprobes need CAP_SYS_ADMIN"
                             : "this kernel has no uprobe events (CONFIG_UPROBES)");
    rts_check_lost(check, "exact evidence that a function was entered, for many functions");
    if (denied)
        rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_ADMIN));
}

static void judge_tracefs(const struct rts_findings *findings, struct rts_report *report)
{
    int number = findings->entry.tracefs;
    const char *key = "entry.tracefs";
    if (number == 0) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL),
                        "uprobe_events can be written");
        return;
    }
    bool denied = number == EACCES || number == EPERM || number == EROFS;
    const char *cause = denied ? "capability" : findings->host.has_sys ? "not_mounted" : "no_sys";
    struct rts_check *check = rts_report_add(report, key, RTS_CHECK_LIMITED, cause);
    rts_check_found(check, "%s", strerror(number));
    rts_check_because(check, "%s",
                      denied ? "only root may write it"
                             : "tracefs is not mounted, or there is no /sys");
    rts_check_lost(check, "arming many functions at once");
    if (!denied)
        rts_check_fix(check, "mount -t tracefs tracefs /sys/kernel/tracing");
    else
        rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_ADMIN));
}

void rts_judge_entry(const struct rts_findings *findings, struct rts_report *report)
{
    judge_breakpoint(findings, report);
    judge_uprobe(findings, report);
    judge_tracefs(findings, report);
}
