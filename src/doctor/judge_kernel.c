/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <string.h>

#include "doctor/fixes.h"

/* The default of --freq. */
#define FREQUENCY 99

static void tell_number(struct rts_report *report, const char *key, long number, const char *unit)
{
    struct rts_check *check = rts_report_add(report, key, RTS_CHECK_INFO, NULL);
    if (number == RTS_HOST_UNKNOWN)
        rts_check_found(check, "missing, or unreadable");
    else
        rts_check_found(check, "%ld%s", number, unit);
}

static void judge_rate(const struct rts_findings *findings, struct rts_report *report)
{
    long rate = findings->host.sample_rate;
    if (rate == RTS_HOST_UNKNOWN || rate >= FREQUENCY) {
        tell_number(report, "kernel.max_sample_rate", rate, " Hz");
        return;
    }
    struct rts_check *check =
        rts_report_add(report, "kernel.max_sample_rate", RTS_CHECK_LIMITED, "sample_rate");
    rts_check_found(check, "%ld Hz", rate);
    rts_check_because(check, "the kernel permits no more; it lowers that by itself when samples "
                             "take it longer than kernel.perf_cpu_time_max_percent");
    rts_check_lost(check, "samples: %ld instead of %d in a second", rate, FREQUENCY);
    rts_fix_sysctl(check, findings, "kernel.perf_event_max_sample_rate=100000");
}

static void tell_text(struct rts_report *report, const char *key, const char *text)
{
    rts_check_found(rts_report_add(report, key, RTS_CHECK_INFO, NULL), "%s",
                    *text ? text : "missing, or unreadable");
}

/* A feature that is found out by asking for it. */
static void judge_feature(const struct rts_findings *findings, struct rts_report *report,
                          const char *key, int number, const char *since, const char *lost)
{
    if (findings->perf.own != 0) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_UNKNOWN, NULL),
                        "perf events are refused altogether");
        return;
    }
    if (number == 0) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL), "there");
        return;
    }
    struct rts_check *check =
        rts_report_add(report, key, RTS_CHECK_LIMITED, rts_cause_name(RTS_CAUSE_NOT_BUILT_IN));
    rts_check_found(check, "%s", strerror(number));
    rts_check_because(check, "this kernel does not have it (%s)", since);
    rts_check_lost(check, "%s", lost);
}

/* Of a kernel that has them, and may tell others that they asked for them too. */
static bool judge_leak(const struct rts_perf_findings *perf, struct rts_report *report)
{
    if (perf->own != 0 || perf->build_id != 0 || perf->leak == RTS_FLAG_LEAK_NONE)
        return false;
    bool found = perf->leak == RTS_FLAG_LEAK_FOUND;
    struct rts_check *check =
        rts_report_add(report, "feature.build_id", RTS_CHECK_LIMITED, found ? "leaks" : "untried");
    rts_check_found(check, "%s", found ? "there, and not asked for" : "there, and not tried out");
    rts_check_because(check, "%s",
                      found ? "this kernel marks the records of other recorders as if they had "
                              "asked too, by which perf 6.1 is ended"
                            : "whether other recorders would be misled by asking could not be "
                              "found out");
    rts_check_lost(check, "build-ids of files that are not found by their path, of processes whose "
                          "mappings cannot be read");
    return true;
}

static void judge_openat2(const struct rts_findings *findings, struct rts_report *report)
{
    int number = findings->gates.openat2;
    bool there = number == EINVAL;
    struct rts_check *check =
        rts_report_add(report, "feature.openat2", there ? RTS_CHECK_WORKS : RTS_CHECK_LIMITED,
                       there ? NULL : rts_cause_name(RTS_CAUSE_NOT_BUILT_IN));
    rts_check_found(check, "%s",
                    there                  ? "there"
                    : number == RTS_KILLED ? "SIGSYS"
                    : number > 0           ? strerror(number)
                                           : "not tried");
    if (there)
        return;
    rts_check_because(check,
                      "this kernel does not have it (Linux 5.6), or a seccomp filter hides it");
    rts_check_lost(check, "nothing but time: paths in containers are followed step by step");
}

void rts_judge_kernel(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_host *host = &findings->host;
    const struct rts_perf_findings *perf = &findings->perf;
    tell_number(report, "kernel.paranoid", host->paranoid, "");
    tell_number(report, "kernel.mlock_kb", host->mlock_kb, " KiB per CPU and user");
    judge_rate(findings, report);
    tell_number(report, "kernel.cpu_percent", host->cpu_percent, " % of a CPU");
    tell_number(report, "kernel.ptrace_scope", host->ptrace_scope, "");
    tell_text(report, "kernel.lockdown", host->lockdown);
    tell_text(report, "kernel.modules", host->modules);
    tell_text(report, "kernel.profile", host->profile);
    judge_feature(findings, report, "feature.clock", perf->child.lost_clock ? EINVAL : 0,
                  "Linux 4.1", "times to the microsecond in observedAt");
    if (!judge_leak(perf, report))
        judge_feature(findings, report, "feature.build_id", perf->build_id, "Linux 5.12",
                      "build-ids of processes whose mappings cannot be read");
    judge_feature(findings, report, "feature.cgroup", perf->cgroup, "Linux 5.7",
                  "nothing yet: control groups are read from /proc");
    judge_feature(findings, report, "feature.hardware", perf->hardware,
                  "virtual machines often have none", "nothing: cpu-clock is sampled");
    judge_openat2(findings, report);
}
