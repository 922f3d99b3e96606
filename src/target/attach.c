/* SPDX-License-Identifier: Apache-2.0 */
#include "target/attach.h"

#include "process/descendants.h"
#include "target/group.h"
#include "target/pids.h"
#include "target/take_in.h"
#include "util/cleanup.h"
#include "util/log.h"

/* What is left of "all" without the permission to sample whole CPUs. */
static int attach_own(struct rts_target *target, const struct rts_error *refusal)
{
    struct rts_error failure;
    if (!refusal->cause)
        return -1;
    target->sampler->reach = RTS_REACH_OWN;
    int result = rts_target_follow(target, &failure);
    if (rts_process_table_alive(target->sampler->processes, 0, false) == 0)
        return target->sampler->reach = RTS_REACH_ALL, -1;
    if (result < 0)
        rts_log("without some of them: %s", failure.text);
    target->receipt.refused[RTS_RUNG_PERF_CPUS] = refusal->cause;
    rts_log("%s; sampling only the processes that may be sampled", refusal->text);
    return 0;
}

static int attach_all(struct rts_target *target, struct rts_error *error)
{
    struct rts_error failure;
    if (rts_capture_add_cpus(target->capture, &failure) < 0)
        return attach_own(target, &failure) == 0 ? 0 : (*error = failure, -1);
    target->sampler->reach = RTS_REACH_ALL;
    unsigned unreadable = 0;
    size_t count;
    RTS_FREE int32_t *pids = rts_process_list(rts_target_proc(target), 0, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_target_is_self(target, pids[i]))
            rts_target_take_in(target, pids[i], &unreadable, NULL);
    if (unreadable > 1)
        rts_log("the same holds for %u processes in all", unreadable);
    return 0;
}

static int attach_command(struct rts_target *target, struct rts_error *error)
{
    if (target->command.pid == 0 &&
        rts_command_start(&target->command, target->settings->command, &target->origin, error) < 0)
        return -1;
    return rts_capture_add_process(target->capture, target->command.pid, error);
}

int rts_target_attach(struct rts_target *target, struct rts_error *error)
{
    switch (target->settings->target) {
    case RTS_TARGET_PIDS: return rts_target_attach_pids(target, error);
    case RTS_TARGET_ALL: return attach_all(target, error);
    case RTS_TARGET_COMMAND: return attach_command(target, error);
    case RTS_TARGET_CGROUP:
    case RTS_TARGET_CONTAINER: return rts_target_attach_group(target, error);
    case RTS_TARGET_NONE: break;
    }
    return rts_fail(error, RTS_USAGE, "no target");
}

int rts_target_begin(struct rts_target *target, struct rts_error *error)
{
    if (target->settings->target != RTS_TARGET_COMMAND)
        return 0;
    return rts_command_release(&target->command, target->settings->command[0], error);
}

bool rts_target_ended(struct rts_target *target, bool thorough)
{
    switch (target->settings->target) {
    case RTS_TARGET_COMMAND: return rts_command_poll(&target->command);
    case RTS_TARGET_PIDS:
        return rts_process_table_alive(target->sampler->processes, target->sampler->last_ns,
                                       thorough) == 0;
    case RTS_TARGET_CGROUP:
    case RTS_TARGET_CONTAINER: return rts_target_group_ended(target, thorough);
    case RTS_TARGET_ALL:
        if (rts_target_is_partial(target) && thorough)
            rts_target_follow(target, NULL);
        return false;
    default: return false;
    }
}
