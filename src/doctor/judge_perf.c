/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctor/fixes.h"

/* Copies of stacks that are as large as they can be. */
#define STACK_BYTES_FULL 65528u

/* A ring that lasts for less than this overflows when we are kept waiting. */
#define RING_LASTS_MS 100

/* What a ring takes for the copies of stacks not to be cut, and to last. */
#define RING_BYTES_WANTED (1ull << 20)

/* Two events for each thread and CPU, and some files. */
#define FILES_WANTED 1024ull

static void fix_perf(struct rts_check *check, const struct rts_findings *findings,
                     enum rts_cause cause, enum rts_perf_scope scope)
{
    static const char *const levels[] = {
        [RTS_PERF_SELF] = "kernel.perf_event_paranoid=2",
        [RTS_PERF_PROCESS] = "kernel.perf_event_paranoid=2",
        [RTS_PERF_KERNEL_SIDE] = "kernel.perf_event_paranoid=1",
        [RTS_PERF_CPUS] = "kernel.perf_event_paranoid=0",
        [RTS_PERF_RING] = "kernel.perf_event_mlock_kb=4096",
    };
    switch (cause) {
    case RTS_CAUSE_SECCOMP: rts_fix_filter(check, findings, "perf_event_open"); break;
    case RTS_CAUSE_OPEN_FILES: rts_fix_limit(check, findings, 'n', "nofile", FILES_WANTED); break;
    case RTS_CAUSE_LOCKED_MEMORY:
        rts_fix_limit(check, findings, 'l', "memlock", RING_BYTES_WANTED * 8);
        rts_fix_sysctl(check, findings, levels[RTS_PERF_RING]);
        break;
    case RTS_CAUSE_PARANOID:
        rts_fix_capabilities(check, findings, rts_fix_monitoring(findings));
        rts_fix_sysctl(check, findings, levels[scope]);
        break;
    case RTS_CAUSE_OTHER_USER:
    case RTS_CAUSE_NOT_DUMPABLE:
    case RTS_CAUSE_MORE_CAPABLE:
    case RTS_CAUSE_USER_NAMESPACE:
        rts_fix_capabilities(check, findings, rts_fix_monitoring(findings));
        break;
    case RTS_CAUSE_SECURITY_MODULE:
        rts_check_fix(check,
                      "look for the denial in the audit log (journalctl -k, ausearch -m "
                      "AVC), and allow it in the policy of %s",
                      *findings->host.modules ? findings->host.modules : "the security module");
        break;
    case RTS_CAUSE_NOT_BUILT_IN: rts_check_fix(check, "a kernel with CONFIG_PERF_EVENTS=y"); break;
    default: break;
    }
}

/* Adds a check for an attempt that failed with `number`. */
static struct rts_check *add_refused(struct rts_report *report, const struct rts_findings *findings,
                                     const char *key, enum rts_perf_scope scope, int number)
{
    struct rts_refusal refusal = {.cause = RTS_CAUSE_SECCOMP};
    const struct rts_target_standing *target =
        scope == RTS_PERF_PROCESS && findings->has_target ? &findings->target_standing : NULL;
    if (number != RTS_KILLED)
        rts_refusal_of_perf(&findings->standing, scope, target, number, &refusal);
    struct rts_check *check =
        rts_report_add(report, key, RTS_CHECK_REFUSED, rts_cause_name(refusal.cause));
    if (number == RTS_KILLED) {
        rts_check_found(check, "SIGSYS");
        rts_check_because(check, "a seccomp filter ends every process that calls perf_event_open");
    } else {
        rts_check_found(check, "%s", strerror(number));
        rts_check_because(check, "%s", refusal.reason);
    }
    fix_perf(check, findings, refusal.cause, scope);
    return check;
}

/* As above, of an attempt by the code that samples, which may have failed elsewhere. */
static struct rts_check *add_failed(struct rts_report *report, const struct rts_findings *findings,
                                    const char *key, enum rts_perf_scope scope,
                                    const struct rts_sampling *sampling)
{
    bool in_ring =
        sampling->cause && strcmp(sampling->cause, rts_cause_name(RTS_CAUSE_LOCKED_MEMORY)) == 0;
    bool ours = sampling->number == RTS_KILLED || sampling->number == EACCES ||
                sampling->number == EPERM || sampling->number == ENOSYS ||
                sampling->number == EMFILE || sampling->number == ENFILE;
    if (ours)
        return add_refused(report, findings, key,
                           in_ring                   ? RTS_PERF_RING
                           : findings->perf.own != 0 ? RTS_PERF_SELF
                                                     : scope,
                           sampling->number);
    struct rts_check *check =
        rts_report_add(report, key, RTS_CHECK_REFUSED, sampling->cause ? sampling->cause : "other");
    rts_check_found(check, "%s", strerror(sampling->number));
    rts_check_because(check, "%s", sampling->text);
    return check;
}

static void judge_child(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_sampling *child = &findings->perf.child;
    if (child->number != 0) {
        struct rts_check *check = add_failed(report, findings, "perf.child", RTS_PERF_SELF, child);
        rts_check_lost(check, "commands (-- COMMAND) are sampled by ptrace at best");
        return;
    }
    struct rts_check *check = rts_report_add(report, "perf.child", RTS_CHECK_WORKS, NULL);
    rts_check_found(check, "sampled, with registers and up to %u KiB of stack",
                    (child->stack_bytes + 1023) / 1024);
}

static void judge_of_target(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_sampling *sampling = &findings->perf.of_target;
    if (!rts_process_identity_runs(&findings->target)) {
        struct rts_check *check = rts_report_add(report, "perf.target", RTS_CHECK_UNKNOWN, NULL);
        rts_check_found(check, "there is nothing to sample");
        return;
    }
    if (sampling->number == 0) {
        struct rts_check *check = rts_report_add(report, "perf.target", RTS_CHECK_WORKS, NULL);
        rts_check_found(check, "events on %ld threads and %u CPUs", findings->target.threads,
                        sampling->cpus);
        return;
    }
    struct rts_check *check =
        add_failed(report, findings, "perf.target", RTS_PERF_PROCESS, sampling);
    rts_check_lost(check, "the process is sampled by ptrace at best");
}

static void judge_cpus(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_sampling *cpus = &findings->perf.cpus;
    if (cpus->number == 0) {
        struct rts_check *check = rts_report_add(report, "perf.cpus", RTS_CHECK_WORKS, NULL);
        rts_check_found(check, "%u CPUs", cpus->cpus);
        return;
    }
    struct rts_check *check = add_failed(report, findings, "perf.cpus", RTS_PERF_CPUS, cpus);
    rts_check_lost(check, "-a, and processes with more threads than files may be open");
}

static void judge_kernel_side(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_perf_findings *perf = &findings->perf;
    if (perf->own != 0) {
        rts_check_found(rts_report_add(report, "perf.kernel", RTS_CHECK_UNKNOWN, NULL),
                        "perf events are refused altogether");
        return;
    }
    if (perf->kernel == 0) {
        rts_check_found(rts_report_add(report, "perf.kernel", RTS_CHECK_WORKS, NULL),
                        "system calls are sampled, with the stack that made them");
        return;
    }
    struct rts_check *check =
        add_refused(report, findings, "perf.kernel", RTS_PERF_KERNEL_SIDE, perf->kernel);
    rts_check_lost(check, "what a process is doing while it is within a system call");
}

static void judge_rings(const struct rts_findings *findings, struct rts_report *report)
{
    const struct rts_sampling *child = &findings->perf.child;
    if (child->ring_bytes == 0) {
        rts_check_found(rts_report_add(report, "perf.rings", RTS_CHECK_UNKNOWN, NULL),
                        "there is none");
        return;
    }
    uint64_t second = (uint64_t)child->frequency * (child->stack_bytes + 1024);
    uint64_t lasts_ms = second ? child->ring_bytes * 1000 / second : 0;
    bool is_small = lasts_ms < RING_LASTS_MS || child->stack_bytes < STACK_BYTES_FULL;
    struct rts_check *check =
        rts_report_add(report, "perf.rings", is_small ? RTS_CHECK_LIMITED : RTS_CHECK_WORKS,
                       is_small ? rts_cause_name(RTS_CAUSE_LOCKED_MEMORY) : NULL);
    rts_check_found(check, "%" PRIu64 " KiB for each of %u CPUs, enough for %" PRIu64 " ms",
                    child->ring_bytes / 1024, child->cpus, lasts_ms);
    if (!is_small)
        return;
    rts_check_because(check,
                      "a user may lock kernel.perf_event_mlock_kb per CPU and the limit on locked "
                      "memory together, other profilers included; there is no CAP_IPC_LOCK");
    rts_check_lost(check, "samples, when rtsample is kept waiting%s",
                   child->stack_bytes < STACK_BYTES_FULL ? "; the depth of long stacks" : "");
    fix_perf(check, findings, RTS_CAUSE_LOCKED_MEMORY, RTS_PERF_RING);
}

void rts_judge_perf(const struct rts_findings *findings, struct rts_report *report)
{
    if (findings->has_target)
        judge_of_target(findings, report);
    judge_child(findings, report);
    judge_cpus(findings, report);
    judge_kernel_side(findings, report);
    judge_rings(findings, report);
}
