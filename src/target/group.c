/* SPDX-License-Identifier: Apache-2.0 */
#include "target/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/standing.h"
#include "process/cgroup.h"
#include "process/descendants.h"
#include "target/take_in.h"
#include "target/turn.h"
#include "util/cleanup.h"
#include "util/log.h"

static int32_t *group_processes(const struct rts_target *target, size_t *count)
{
    return target->group ? rts_cgroup_processes(target->group, count)
                         : rts_container_processes(rts_target_proc(target), RTS_CGROUP_ROOT,
                                                   target->container_id, count);
}

/* Those in the control group; or, where all were wanted and CPUs were refused, those that may be
 * sampled one by one: of our own user, or of any when we may trace everybody. */
static int32_t *list_candidates(const struct rts_target *target, size_t *count)
{
    if (target->group || target->container_id[0])
        return group_processes(target, count);
    size_t all, kept = 0;
    int32_t *pids = rts_process_list(rts_target_proc(target), 0, &all);
    struct rts_standing standing;
    const struct rts_proc proc = {.broker = target->broker, .root = "/proc"};
    rts_standing_look(&proc, &standing);
    for (size_t i = 0; i < all; i++) {
        char path[32];
        struct stat folder;
        snprintf(path, sizeof path, "/proc/%d", (int)pids[i]);
        if (stat(path, &folder) == 0 &&
            (folder.st_uid == geteuid() || rts_standing_may_trace(&standing)))
            pids[kept++] = pids[i];
    }
    *count = kept;
    return pids;
}

int rts_target_follow(struct rts_target *target, struct rts_error *error)
{
    const enum rts_reach reach = target->sampler->reach;
    const bool by_cpu = reach == RTS_REACH_CPUS || reach == RTS_REACH_GROUP;
    unsigned unreadable = target->account->processes > 0; /* said before */
    int result = 0;
    size_t count;
    RTS_FREE int32_t *pids = list_candidates(target, &count);
    for (size_t i = 0; i < count; i++) {
        struct rts_error failure;
        if (rts_target_is_self(target, pids[i]) || rts_target_has(target, pids[i]))
            continue;
        if (by_cpu || rts_capture_add_process(target->capture, pids[i], &failure) == 0) {
            rts_target_take_in(target, pids[i], &unreadable, NULL);
        } else if (failure.failure != RTS_NOT_FOUND) {
            if (error)
                *error = failure;
            if (rts_target_is_limit(&failure))
                return -1;
            result = 1;
        }
    }
    return result;
}

static int follow_group_by_cpu(struct rts_target *target, struct rts_error *error)
{
    if (rts_target_begin_with_cpus(target, error) < 0)
        return -1;
    return rts_target_follow(target, error);
}

/* The kernel itself keeps to those who are in the group, however short their life is, where whole
 * CPUs may be sampled and perf counts by that hierarchy of groups. */
static void open_group_events(struct rts_target *target)
{
    struct rts_error failure;
    RTS_CLOSE int folder =
        target->group ? open(target->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool is_possible = rts_capture_add_group(target->capture, folder, &failure) == 0;
    if (is_possible)
        target->sampler->reach = RTS_REACH_GROUP;
    if (is_possible)
        rts_log("the kernel samples this control group as a whole");
    else if (target->group)
        rts_log("following the processes of this control group, which the kernel does not sample "
                "as a whole (%s)",
                failure.number ? strerror(failure.number) : failure.text);
    else
        rts_log("following the processes of container %.16s, whose control group cannot be seen",
                target->container_id);
}

static void say_incomplete(struct rts_target *target, const struct rts_error *failure)
{
    if (!target->group_failed)
        rts_log("without some of the control group: %s", failure->text);
    target->group_failed = true;
}

static int find_group(struct rts_target *target, struct rts_error *error)
{
    const char *wanted = target->settings->group;
    struct rts_container_place place;
    if (target->settings->target == RTS_TARGET_CGROUP) {
        target->group = rts_cgroup_find(RTS_CGROUP_ROOT, wanted, error);
        return target->group ? 0 : -1;
    }
    if (rts_cgroup_find_container(rts_target_proc(target), RTS_CGROUP_ROOT, wanted, &place, error) <
        0)
        return -1;
    target->group = place.folder;
    memcpy(target->container_id, place.id, sizeof target->container_id);
    return 0;
}

int rts_target_attach_group(struct rts_target *target, struct rts_error *error)
{
    struct rts_error failure;
    if (find_group(target, error) < 0)
        return -1;
    open_group_events(target);
    int result = rts_target_follow(target, &failure);
    if (result < 0)
        result = follow_group_by_cpu(target, &failure);
    bool empty = rts_process_table_alive(target->sampler->processes, 0, false) == 0;
    if (result < 0 || (result > 0 && empty))
        return *error = failure, -1;
    if (empty)
        return rts_fail(error, RTS_NOT_FOUND, "no process is in the control group %s",
                        target->settings->group);
    if (result > 0)
        say_incomplete(target, &failure);
    return 0;
}

/* Is there nobody left but ourselves? */
static bool is_group_empty(const struct rts_target *target)
{
    size_t count;
    RTS_FREE int32_t *pids = group_processes(target, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_target_is_self(target, pids[i]))
            return false;
    return true;
}

/* Those who came by themselves count before the group is given up. */
bool rts_target_group_ended(struct rts_target *target, bool thorough)
{
    struct rts_error failure;
    uint64_t now = target->sampler->last_ns;
    if (target->sampler->reach == RTS_REACH_GROUP)
        return is_group_empty(target);
    if (!thorough && rts_process_table_alive(target->sampler->processes, now, false) > 0)
        return false;
    int result = rts_target_follow(target, &failure);
    if (result < 0 && rts_target_turn_to_cpus(target, failure.cause, failure.text, NULL) == 0)
        result = rts_target_follow(target, &failure);
    if (result != 0)
        say_incomplete(target, &failure);
    return rts_process_table_alive(target->sampler->processes, now, true) == 0;
}
