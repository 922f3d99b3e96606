/* SPDX-License-Identifier: Apache-2.0 */
/* Processes whose events the kernel has ended while they live on. */
#include "session/session.h"

#include "process/descendants.h"
#include "process/stat.h"
#include "util/cleanup.h"
#include "util/log.h"

/* It reports the end of the first thread, as if that had exited. */
static bool lives_on(const struct rts_session *session, const struct rts_process *process)
{
    struct rts_process_stat stat;
    return rts_process_stat_read(rts_session_proc(session), process->pid, &stat) == 0 &&
           !stat.ends && (process->start_ticks == 0 || process->start_ticks == stat.start_ticks);
}

static void take_in(struct rts_session *session, int32_t pid)
{
    struct rts_process *process;
    rts_process_attach(session->processes, pid, &process, NULL);
    process->target = true;
}

/* Children of which nobody has told, since their parent had no events to inherit. */
static void add_children(struct rts_session *session, int32_t pid)
{
    size_t count;
    RTS_FREE int32_t *descendants = rts_process_list(rts_session_proc(session), pid, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_process_find(session->processes, descendants[i], UINT64_MAX) &&
            rts_capture_add_process(session->capture, descendants[i], NULL) == 0)
            take_in(session, descendants[i]);
}

static void watch_again(struct rts_session *session, struct rts_process *process)
{
    static const char why[] = "which ends the kernel's sampling of it";
    struct rts_error failure;
    int32_t pid = process->pid;
    if (rts_capture_add_again(session->capture, pid, &failure) == 0) {
        rts_log(
            "process %d has executed a file that is set-uid or not readable to it, %s; sampling "
            "it anew",
            (int)pid, why);
        process->leader_exited = process->unwatched = process->maps_known = false;
        take_in(session, pid);
        add_children(session, pid);
    } else if (!process->unwatched) {
        rts_log("process %d has executed a file that is set-uid or not readable to it, %s: %s",
                (int)pid, why, failure.text);
        process->unwatched = true;
        session->account.unwatched++;
    }
}

void rts_session_watch_again(struct rts_session *session)
{
    size_t position = 0;
    if (!rts_session_by_process(session))
        return;
    for (struct rts_process *process;
         (process = rts_process_table_next(session->processes, &position));)
        if (process->target && process->leader_exited && process->died_ns == UINT64_MAX &&
            lives_on(session, process))
            watch_again(session, process);
}
