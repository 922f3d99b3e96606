/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "doctor/fixes.h"

#define BIT(number) (1ULL << (number))

/* CAP_CHECKPOINT_RESTORE: Linux 5.9. */
#define CAPABILITY_CHECKPOINT_RESTORE 40

static struct rts_check *refuse(struct rts_report *report, const char *cause, const char *found)
{
    struct rts_check *check = rts_report_add(report, "target.process", RTS_CHECK_REFUSED, cause);
    rts_check_found(check, "%s", found);
    rts_check_lost(check, "everything: there is nothing to sample");
    return check;
}

/* /proc does not show it. */
static void judge_missing(const struct rts_findings *findings, struct rts_report *report)
{
    int pid = (int)findings->target_pid;
    if (!findings->host.has_proc) {
        rts_check_because(refuse(report, "no_proc", "unknown"), "there is no /proc to see it in");
        return;
    }
    if (findings->access.signal == 0 || findings->access.signal == EPERM) {
        struct rts_check *check = refuse(report, "hidden", "it is there, and /proc hides it");
        rts_check_because(check, "/proc is mounted with hidepid, or shows another pid namespace");
        rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_PTRACE));
        rts_check_fix(check, "mount -o remount,hidepid=0 /proc");
        return;
    }
    struct rts_check *check = refuse(report, "no_process", "there is no such process");
    rts_check_because(check, "no process in our pid namespace has the id %d", pid);
    uint64_t own = findings->self.namespaces[RTS_NAMESPACE_PID];
    if (own != 0 && own != RTS_FIRST_PID_NAMESPACE)
        rts_fix_pid_namespace(check, findings);
    else
        rts_check_fix(check, "give the id that it has in this pid namespace (pgrep NAME)");
}

static void judge_process(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_process_identity *target = &findings->target;
    if (!target->known) {
        judge_missing(findings, report);
    } else if (target->state == 'Z' || target->state == 'X') {
        struct rts_check *check = refuse(report, "zombie", "it has ended");
        rts_check_because(check,
                          "it is a zombie: it has ended, and its parent has not waited for it");
        rts_check_fix(check, "give the id of a process that runs");
    } else if (target->is_kernel) {
        struct rts_check *check = refuse(report, "kernel_thread", "it runs within the kernel");
        rts_check_because(check, "it is a kernel thread, which runs no program");
        rts_check_fix(check, "give the id of a process");
    } else if (target->group != target->pid) {
        struct rts_check *check = refuse(report, "thread", "it is a thread");
        rts_check_because(check, "it is a thread of process %d", (int)target->group);
        rts_check_fix(check, "rtsample -p %d", (int)target->group);
    } else if (target->state == 'T' || target->state == 't') {
        struct rts_check *check =
            rts_report_add(report, "target.process", RTS_CHECK_LIMITED, "stopped");
        rts_check_found(check, "%s, of user %u, is stopped", target->name, target->user);
        rts_check_because(check, "it was stopped by a signal or by its tracer");
        rts_check_lost(check, "samples, until it goes on");
        rts_check_fix(check, "kill -CONT %d", (int)target->pid);
    } else {
        struct rts_check *check = rts_report_add(report, "target.process", RTS_CHECK_WORKS, NULL);
        rts_check_found(check, "%s, of user %u, %ld threads", target->name, target->user,
                        target->threads);
    }
}

/* Files of the target that take the right to look into it. */
static void judge_file(const struct rts_findings *findings, struct rts_report *report,
                       const char *key, int number, const char *found, const char *lost)
{
    struct rts_refusal refusal;
    if (number == 0) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL), "%s", found);
        return;
    }
    rts_refusal_of_ptrace(&findings->standing, &findings->target_standing, number, &refusal);
    bool by_filter = refusal.cause == RTS_CAUSE_SECCOMP || refusal.cause == RTS_CAUSE_TRACED;
    const char *cause =
        by_filter || refusal.cause == RTS_CAUSE_NONE ? "other" : rts_cause_name(refusal.cause);
    struct rts_check *check = rts_report_add(report, key, RTS_CHECK_REFUSED, cause);
    rts_check_found(check, "%s", strerror(number));
    if (!by_filter)
        rts_check_because(check, "%s", refusal.reason);
    rts_check_lost(check, "%s", lost);
    if (refusal.cause == RTS_CAUSE_SECURITY_MODULE)
        rts_fix_security_module(check, findings); /* what could be granted is there */
    else if (number == EACCES || number == EPERM)
        rts_fix_capabilities(check, findings, BIT(RTS_CAPABILITY_SYS_PTRACE));
}

/* Following a link of map_files takes more than the right to look into the process. */
static void judge_map_files(const struct rts_findings *findings, struct rts_report *report)
{
    int number = findings->access.map_files;
    const char *key = "target.map_files";
    if (number == RTS_NOT_TRIED) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_UNKNOWN, NULL),
                        "its mappings cannot be read");
        return;
    }
    if (number == 0) {
        rts_check_found(rts_report_add(report, key, RTS_CHECK_WORKS, NULL),
                        "mapped files can be opened, also deleted ones");
        return;
    }
    bool is_new = findings->host.last_capability >= CAPABILITY_CHECKPOINT_RESTORE;
    struct rts_check *check = rts_report_add(report, key, RTS_CHECK_LIMITED, "capability");
    rts_check_found(check, "%s", strerror(number));
    rts_check_because(check, "it needs %s in the first user namespace",
                      is_new ? "CAP_CHECKPOINT_RESTORE" : "CAP_SYS_ADMIN");
    rts_check_lost(check, "names in libraries that were deleted or replaced while they are mapped");
    rts_fix_capabilities(check, findings,
                         is_new ? BIT(CAPABILITY_CHECKPOINT_RESTORE)
                                : BIT(RTS_CAPABILITY_SYS_ADMIN));
}

static const char *relation(const struct rts_findings *findings, enum rts_namespace kind)
{
    uint64_t own = findings->self.namespaces[kind], its = findings->target.namespaces[kind];
    return own == 0 || its == 0 ? "unknown" : own == its ? "ours" : "its own";
}

static void judge_namespaces(const struct rts_findings *findings, struct rts_report *report)
{
    struct rts_check *check = rts_report_add(report, "target.namespaces", RTS_CHECK_INFO, NULL);
    char inner[48] = "";
    if (findings->target.pid_depth > 1)
        snprintf(inner, sizeof inner, ", where its pid is %d", (int)findings->target.inner_pid);
    rts_check_found(check, "user: %s, pid: %s%s, mount: %s%s",
                    relation(findings, RTS_NAMESPACE_USER), relation(findings, RTS_NAMESPACE_PID),
                    inner, relation(findings, RTS_NAMESPACE_MOUNT),
                    findings->access.own_root ? "" : ", another root directory");
}

void rts_judge_target(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_access *access = &findings->access;
    judge_process(findings, report);
    if (!rts_process_identity_runs(&findings->target))
        return;
    judge_file(findings, report, "target.maps", access->maps, "its mappings can be read",
               "which code a sample hit: what is mapped already stays unnamed");
    judge_file(findings, report, "target.root", access->root, "its file tree can be entered",
               "files that lie elsewhere for it, as in a container");
    judge_file(findings, report, "target.exe", access->exe, "its program can be opened",
               "the program's own functions, where its path does not lead to it");
    judge_map_files(findings, report);
    judge_file(findings, report, "target.memory", access->memory, "its memory can be read",
               "sampling by ptrace");
    judge_namespaces(findings, report);
}
