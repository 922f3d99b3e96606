/* SPDX-License-Identifier: Apache-2.0 */
#include "target/pids.h"

#include "process/descendants.h"
#include "process/stat.h"
#include "target/take_in.h"
#include "target/turn.h"
#include "util/cleanup.h"
#include "util/log.h"

/* How often descendants are listed until none is new: each time only those can be that were born
 * while the ones before were opened. */
#define LIST_ROUNDS_MAX 16

/* Those that descend from the processes that were named, and are not sampled yet. Returns how many
 * there were, or -1 at the limit of threads. */
static int attach_descendants(struct rts_target *target, unsigned *unreadable,
                              struct rts_error *error)
{
    const bool by_cpu = target->sampler->reach == RTS_REACH_CPUS;
    size_t count;
    int added = 0;
    RTS_FREE int32_t *pids = rts_process_descendants(
        rts_target_proc(target), target->settings->pids, target->settings->pid_count, &count);
    for (size_t i = 0; i < count; i++) {
        struct rts_error failure;
        if (rts_target_is_self(target, pids[i]) || rts_target_has(target, pids[i]))
            continue;
        if (by_cpu || rts_capture_add_process(target->capture, pids[i], &failure) == 0) {
            rts_target_take_in(target, pids[i], unreadable, NULL);
            added++;
        } else if (rts_target_is_limit(&failure)) {
            return *error = failure, -1;
        } else if (failure.failure != RTS_NOT_FOUND) {
            rts_log("without child process %d: %s", (int)pids[i], failure.text);
        }
    }
    return added;
}

/* Can these be sampled at all, whatever is permitted? */
static int check_pids(const struct rts_target *target, struct rts_error *error)
{
    for (size_t i = 0; i < target->settings->pid_count; i++) {
        int32_t pid = (int32_t)target->settings->pids[i];
        if (rts_target_is_self(target, pid))
            return rts_fail(error, RTS_USAGE, "-p %d is rtsample itself", (int)pid);
        int32_t process = rts_process_of_thread(rts_target_proc(target), pid);
        if (process > 0 && process != pid)
            return rts_fail(error, RTS_NOT_FOUND,
                            "no process with pid %d: it is a thread of process %d", (int)pid,
                            (int)process);
        struct rts_process_stat stat;
        if (rts_process_stat_read(rts_target_proc(target), pid, &stat) == 0 && stat.is_kernel)
            return rts_fail(error, RTS_NOT_FOUND,
                            "process %d is a kernel thread, which runs no code of a program",
                            (int)pid);
    }
    return 0;
}

/* The processes that were named, and what descends from them. What starts after its parent was
 * opened inherits, and what started before is in the list that is read after. */
static int attach_pids(struct rts_target *target, struct rts_error *error)
{
    const bool by_cpu = target->sampler->reach == RTS_REACH_CPUS;
    unsigned unreadable = 0;
    for (size_t i = 0; i < target->settings->pid_count; i++) {
        int32_t pid = (int32_t)target->settings->pids[i];
        if (!by_cpu && rts_capture_add_process(target->capture, pid, error) < 0)
            return -1;
        if (rts_target_take_in(target, pid, &unreadable, error) < 0 && by_cpu)
            return -1;
    }
    int added = 1;
    for (int round = 0; round < LIST_ROUNDS_MAX && added > 0 && !by_cpu; round++)
        added = attach_descendants(target, &unreadable, error);
    if (by_cpu)
        added = attach_descendants(target, &unreadable, error);
    return added < 0 ? -1 : 0;
}

int rts_target_attach_pids(struct rts_target *target, struct rts_error *error)
{
    struct rts_error failure;
    if (check_pids(target, error) < 0)
        return -1;
    int result = attach_pids(target, &failure);
    if (result < 0 && rts_target_is_limit(&failure) &&
        (result = rts_target_begin_with_cpus(target, &failure)) == 0)
        result = attach_pids(target, &failure);
    if (result < 0)
        *error = failure;
    return result;
}
