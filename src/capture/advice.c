/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/advice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/memory.h"

#define PROC "/proc"

static int not_permitted(const char *what, const struct rts_refusal *refusal, int number,
                         struct rts_error *error)
{
    rts_fail(error, RTS_NOT_PERMITTED, "cannot %s: %s; %s", what, refusal->reason, refusal->remedy);
    error->number = number;
    error->cause = rts_cause_name(refusal->cause);
    return -1;
}

int rts_capture_refused(const struct rts_proc *proc, enum rts_perf_scope scope, int32_t pid,
                        int number, struct rts_error *error)
{
    char what[64] = "sample with perf events";
    struct rts_standing standing;
    struct rts_target_standing target;
    struct rts_refusal refusal;
    if (!error)
        return -1;
    rts_standing_look(proc, &standing);
    rts_standing_ask_perf(&standing);
    if (pid >= 0)
        rts_target_standing_read(proc, pid, &standing, &target);
    rts_refusal_of_perf(&standing, scope, pid >= 0 ? &target : NULL, number, &refusal);
    if (pid >= 0)
        snprintf(what, sizeof what, "sample process %d", (int)pid);
    else if (scope == RTS_PERF_CPUS)
        snprintf(what, sizeof what, "sample all processes (-a)");
    return not_permitted(what, &refusal, number, error);
}

int rts_capture_check_ptrace(int32_t pid, struct rts_error *error)
{
    char what[64];
    struct rts_standing standing;
    struct rts_target_standing target;
    struct rts_refusal refusal;
    const struct rts_proc proc = {.root = PROC};
    rts_standing_look(&proc, &standing);
    standing.ptrace_call = rts_standing_ask_ptrace();
    if (!rts_target_standing_read(&proc, pid, &standing, &target))
        return rts_fail(error, RTS_NOT_FOUND, "no process with pid %d", (int)pid);
    int number = rts_target_tracing_error(PROC, pid);
    if (number == ENOENT || number == ESRCH)
        number = 0; /* it has just ended: found out when it is sampled */
    rts_refusal_of_ptrace(&standing, &target, number, &refusal);
    if (refusal.cause == RTS_CAUSE_NONE)
        return 0;
    snprintf(what, sizeof what, "trace process %d", (int)pid);
    return error ? not_permitted(what, &refusal, number, error) : -1;
}

char *rts_capture_access_remedy(const struct rts_proc *proc, int32_t pid, int number)
{
    struct rts_standing standing;
    struct rts_target_standing target;
    struct rts_refusal refusal;
    rts_standing_look(proc, &standing);
    standing.ptrace_call = ESRCH; /* /proc is asked without that call, */
    rts_target_standing_read(proc, pid, &standing, &target);
    target.tracer = 0; /* and may be read while somebody traces */
    rts_refusal_of_ptrace(&standing, &target, number, &refusal);
    return rts_strdup(refusal.remedy);
}
