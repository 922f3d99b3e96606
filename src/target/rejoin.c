/* SPDX-License-Identifier: Apache-2.0 */
#include "target/rejoin.h"

#include "process/descendants.h"
#include "process/stat.h"
#include "util/cleanup.h"
#include "util/log.h"

/* It reports the end of the first thread, as if that had exited. */
static bool lives_on(const struct rts_target *target, const struct rts_process *process)
{
    struct rts_process_stat stat;
    return rts_process_stat_read(rts_target_proc(target), process->pid, &stat) == 0 && !stat.ends &&
           (process->start_ticks == 0 || process->start_ticks == stat.start_ticks);
}

static void take_in(struct rts_target *target, int32_t pid)
{
    struct rts_process *process;
    rts_process_attach(target->sampler->processes, pid, &process, NULL);
    process->target = true;
}

/* Children of which nobody has told, since their parent had no events to inherit. */
static void add_children(struct rts_target *target, int32_t pid)
{
    size_t count;
    RTS_FREE int32_t *descendants = rts_process_list(rts_target_proc(target), pid, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_process_find(target->sampler->processes, descendants[i], UINT64_MAX) &&
            rts_capture_add_process(target->capture, descendants[i], NULL) == 0)
            take_in(target, descendants[i]);
}

static void watch_again(struct rts_target *target, struct rts_process *process)
{
    static const char why[] = "which ends the kernel's sampling of it";
    struct rts_error failure;
    int32_t pid = process->pid;
    if (rts_capture_add_again(target->capture, pid, &failure) == 0) {
        rts_log("process %d has executed a file that is set-uid or not readable to it, %s; "
                "sampling it again",
                (int)pid, why);
        process->leader_exited = process->unwatched = process->maps_known = false;
        take_in(target, pid);
        add_children(target, pid);
    } else if (!process->unwatched) {
        rts_log("process %d has executed a file that is set-uid or not readable to it, %s: %s",
                (int)pid, why, failure.text);
        process->unwatched = true;
        target->account->unwatched++;
    }
}

void rts_target_rejoin(struct rts_target *target)
{
    size_t position = 0;
    if (!rts_target_by_process(target))
        return;
    for (struct rts_process *process;
         (process = rts_process_table_next(target->sampler->processes, &position));)
        if (process->target && process->leader_exited && process->died_ns == UINT64_MAX &&
            lives_on(target, process))
            watch_again(target, process);
}
