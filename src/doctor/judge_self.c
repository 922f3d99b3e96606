/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor/fixes.h"

#define BIT(number) (1ULL << (number))

/* Fewer do not even do for a process with one thread per CPU. */
#define FILES_FEW  256
#define FILES_GOOD 1024

/* What of the sets counts here, "perfmon sys_ptrace", or "none". */
static const char *describe_set(uint64_t set, char *text, size_t room)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{RTS_CAPABILITY_PERFMON, "perfmon"},
                 {RTS_CAPABILITY_SYS_PTRACE, "sys_ptrace"},
                 {RTS_CAPABILITY_SYS_ADMIN, "sys_admin"}};
    *text = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (set & BIT(names[i].number))
            snprintf(text + strlen(text), room - strlen(text), "%s%s", *text ? " " : "",
                     names[i].name);
    return *text ? text : "none";
}

static void judge_capabilities(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_standing *standing = &findings->standing;
    uint64_t wanted = rts_fix_monitoring(findings) | BIT(RTS_CAPABILITY_SYS_PTRACE);
    enum rts_obstacle obstacle = rts_obstacle_find(findings, wanted);
    bool enough = rts_standing_may_monitor(standing) && rts_standing_may_trace(standing) &&
                  obstacle != RTS_OBSTACLE_USER_NAMESPACE;
    const char *cause = enough                          ? NULL
                        : obstacle == RTS_OBSTACLE_NONE ? "not_granted"
                                                        : rts_obstacle_word(obstacle);
    struct rts_check *check = rts_report_add(report, "self.capabilities",
                                             enough ? RTS_CHECK_WORKS : RTS_CHECK_LIMITED, cause);
    char effective[48], bounding[48], ambient[48];
    rts_check_found(check, "effective: %s; bounding: %s; ambient: %s",
                    describe_set(standing->effective, effective, sizeof effective),
                    describe_set(standing->bounding, bounding, sizeof bounding),
                    describe_set(standing->ambient, ambient, sizeof ambient));
    if (enough)
        return;
    rts_check_because(check, "%s", rts_obstacle_reason(obstacle));
    rts_check_lost(check, "processes of other users, whole CPUs, samples within system calls");
    rts_fix_capabilities(check, findings, wanted);
}

static void judge_seccomp(const struct rts_findings *findings, struct rts_report *report)
{
    static const char *const modes[] = {"no filter", "strict", "filtered"};
    const struct rts_gates *gates = &findings->gates;
    int mode = findings->standing.seccomp;
    char refused[128] = "";
    if (gates->perf_event_open != EINVAL && mode != 0 &&
        findings->perf.own != 0) /* Debian's level answers here as well */
        strcat(refused, " perf_event_open");
    if (gates->ptrace != ESRCH)
        strcat(refused, " ptrace");
    if (gates->process_vm_readv == RTS_KILLED)
        strcat(refused, " process_vm_readv");
    struct rts_check *check =
        rts_report_add(report, "self.seccomp", *refused ? RTS_CHECK_LIMITED : RTS_CHECK_INFO,
                       *refused ? "seccomp" : NULL);
    rts_check_found(check, "%s%s%s", mode < 0 || mode > 2 ? "unknown" : modes[mode],
                    *refused ? ", refused:" : "", refused);
    if (!*refused)
        return;
    rts_check_because(check, "a seccomp filter stands before the kernel");
    rts_check_lost(check, "what needs these system calls");
    rts_fix_filter(check, findings, strtok(refused, " "));
}

static void judge_namespaces(const struct rts_findings *findings, struct rts_report *report)
{
    struct rts_check *check = rts_report_add(report, "self.namespaces", RTS_CHECK_INFO, NULL);
    const uint64_t *ids = findings->self.namespaces;
    rts_check_found(check, "user: %s; pid: %s; mount: %" PRIu64 "%s",
                    findings->standing.own_user_namespace ? "its own" : "the first",
                    ids[RTS_NAMESPACE_PID] == RTS_FIRST_PID_NAMESPACE ? "the first" : "its own",
                    ids[RTS_NAMESPACE_MOUNT],
                    findings->self.no_new_privileges ? "; no_new_privs" : "");
}

static void judge_proc(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_host *host = &findings->host;
    const char *cause = !host->has_proc       ? "no_proc"
                        : !host->proc_is_ours ? "foreign_proc"
                        : !host->has_settings ? "partial_proc"
                                              : NULL;
    bool is_missing = cause && host->has_settings + host->proc_is_ours < 2 && !host->proc_is_ours;
    struct rts_check *check = rts_report_add(report, "self.proc",
                                             is_missing ? RTS_CHECK_REFUSED
                                             : cause    ? RTS_CHECK_LIMITED
                                                        : RTS_CHECK_WORKS,
                                             cause);
    if (!cause) {
        rts_check_found(check, "mounted, hidepid %ld", host->hidepid < 0 ? 0 : host->hidepid);
        return;
    }
    rts_check_found(check, "%s", !host->has_proc ? "nothing at /proc" : "not as it should be");
    rts_check_because(
        check, "%s",
        !host->has_proc ? "no proc file system is mounted at /proc"
        : !host->proc_is_ours
            ? "/proc shows another pid namespace than ours: process ids do not match"
            : "/proc is mounted with subset=pid: settings of the kernel are not shown");
    rts_check_lost(check, "%s",
                   is_missing ? "all that is known of processes and their mappings"
                              : "the causes of what is refused");
    rts_check_fix(check, "mount -t proc proc /proc");
}

static void judge_sys(const struct rts_findings *findings, struct rts_report *report)
{
    if (findings->host.has_sys) {
        rts_check_found(rts_report_add(report, "self.sys", RTS_CHECK_WORKS, NULL), "mounted");
        return;
    }
    struct rts_check *check = rts_report_add(report, "self.sys", RTS_CHECK_LIMITED, "no_sys");
    rts_check_found(check, "nothing at /sys");
    rts_check_because(check, "no sysfs is mounted at /sys");
    rts_check_lost(check, "--cgroup and --container, uprobes, names of security modules");
    rts_check_fix(check, "mount -t sysfs -o ro sysfs /sys");
}

static void judge_limits(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_limits *limits = &findings->limits;
    struct rts_check *check = rts_report_add(report, "limit.memlock", RTS_CHECK_INFO, NULL);
    if (limits->locked_bytes == UINT64_MAX)
        rts_check_found(check, "none");
    else
        rts_check_found(check, "%" PRIu64 " KiB", limits->locked_bytes / 1024);

    bool few = limits->files_hard < FILES_FEW;
    check = rts_report_add(report, "limit.files", few ? RTS_CHECK_LIMITED : RTS_CHECK_INFO,
                           few ? rts_cause_name(RTS_CAUSE_OPEN_FILES) : NULL);
    rts_check_found(check, "%" PRIu64 ", can be raised to %" PRIu64, limits->files,
                    limits->files_hard);
    if (!few)
        return;
    rts_check_because(check, "each thread of a target takes an open file per CPU");
    rts_check_lost(check, "processes with many threads, unless whole CPUs may be sampled");
    rts_fix_limit(check, findings, 'n', "nofile", FILES_GOOD);
}

void rts_judge_self(const struct rts_findings *findings, struct rts_report *report)
{
    judge_capabilities(findings, report);
    judge_seccomp(findings, report);
    judge_namespaces(findings, report);
    judge_proc(findings, report);
    judge_sys(findings, report);
    judge_limits(findings, report);
}
