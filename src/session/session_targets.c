/* SPDX-License-Identifier: Apache-2.0 */
/* Who is sampled, and until when. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/advice.h"
#include "capture/standing.h"
#include "process/cgroup.h"
#include "process/descendants.h"
#include "process/stat.h"
#include "util/cleanup.h"
#include "util/log.h"

/* How often descendants are listed until none is new: each time only those can be that were born
 * while the ones before were opened. */
#define LIST_ROUNDS_MAX 16

/* Takes a process in. That its maps may not be read is no reason to stop: what it maps from now on
 * is reported by the kernel. `unreadable` counts those. */
static int take_in(struct rts_session *session, int32_t pid, unsigned *unreadable,
                   struct rts_error *error)
{
    struct rts_process *process;
    struct rts_error failure;
    int result = rts_process_attach(session->processes, pid, &process, &failure);
    process->target = true;
    if (result == 0)
        return 0;
    if (failure.number == ETIME)
        return 0; /* the broker has said so */
    if (failure.failure == RTS_NOT_PERMITTED) {
        if ((*unreadable)++ == 0) {
            const struct rts_proc proc = {.broker = session->broker, .root = "/proc"};
            RTS_FREE char *remedy = rts_capture_access_remedy(&proc, pid, failure.number);
            rts_log("%s; %s", failure.text, remedy);
        }
        return 0;
    }
    if (error)
        *error = failure;
    return -1;
}

static bool is_sampled(const struct rts_session *session, int32_t pid)
{
    const struct rts_process *known = rts_process_find(session->processes, pid, UINT64_MAX);
    return known && known->target && known->died_ns == UINT64_MAX;
}

/* Has the capture come to its limit of threads? Then whole CPUs may be sampled instead. */
static bool is_limit(const struct rts_error *failure)
{
    return failure->number == EMFILE || failure->number == E2BIG;
}

/* Those that descend from the processes that were named, and are not sampled yet. Returns how many
 * there were, or -1 at the limit of threads. */
static int attach_descendants(struct rts_session *session, unsigned *unreadable,
                              struct rts_error *error)
{
    size_t count;
    int added = 0;
    RTS_FREE int32_t *pids = rts_process_descendants(
        rts_session_proc(session), session->settings->pids, session->settings->pid_count, &count);
    for (size_t i = 0; i < count; i++) {
        struct rts_error failure;
        if (rts_session_is_own(session, pids[i]) || is_sampled(session, pids[i]))
            continue;
        if (session->whole_cpus ||
            rts_capture_add_process(session->capture, pids[i], &failure) == 0) {
            take_in(session, pids[i], unreadable, NULL);
            added++;
        } else if (is_limit(&failure)) {
            return *error = failure, -1;
        } else if (failure.failure != RTS_NOT_FOUND) {
            rts_log("without child process %d: %s", (int)pids[i], failure.text);
        }
    }
    return added;
}

/* Can these be sampled at all, whatever is permitted? */
static int check_pids(const struct rts_session *session, struct rts_error *error)
{
    for (size_t i = 0; i < session->settings->pid_count; i++) {
        int32_t pid = (int32_t)session->settings->pids[i];
        if (rts_session_is_own(session, pid))
            return rts_fail(error, RTS_USAGE, "-p %d is rtsample itself", (int)pid);
        int32_t process = rts_process_of_thread(rts_session_proc(session), pid);
        if (process > 0 && process != pid)
            return rts_fail(error, RTS_NOT_FOUND,
                            "no process with pid %d: it is a thread of process %d", (int)pid,
                            (int)process);
        struct rts_process_stat stat;
        if (rts_process_stat_read(rts_session_proc(session), pid, &stat) == 0 && stat.is_kernel)
            return rts_fail(error, RTS_NOT_FOUND,
                            "process %d is a kernel thread, which runs no code of a program",
                            (int)pid);
    }
    return 0;
}

/* The processes that were named, and what descends from them. What starts after its parent was
 * opened inherits, and what started before is in the list that is read after. */
static int attach_pids(struct rts_session *session, struct rts_error *error)
{
    unsigned unreadable = 0;
    for (size_t i = 0; i < session->settings->pid_count; i++) {
        int32_t pid = (int32_t)session->settings->pids[i];
        if (!session->whole_cpus && rts_capture_add_process(session->capture, pid, error) < 0)
            return -1;
        if (take_in(session, pid, &unreadable, error) < 0 && session->whole_cpus)
            return -1;
    }
    int added = 1;
    for (int round = 0; round < LIST_ROUNDS_MAX && added > 0 && !session->whole_cpus; round++)
        added = attach_descendants(session, &unreadable, error);
    if (session->whole_cpus)
        added = attach_descendants(session, &unreadable, error);
    return added < 0 ? -1 : 0;
}

/* With more threads than we may have files open: one event per CPU for all processes, of which only
 * the target's samples are used. That takes the permission to sample everybody. */
static int turn_to_cpus(struct rts_session *session, const struct rts_error *error)
{
    rts_capture_close_events(session->capture);
    if (rts_capture_turn_to_cpus(session->capture, NULL) < 0)
        return -1; /* the message is about the limit */
    rts_log("%s; sampling whole CPUs instead and using the target's samples", error->text);
    session->whole_cpus = true;
    session->receipt.refused[RTS_RUNG_PERF_PROCESS] = error->cause;
    rts_process_table_select(session->processes, false);
    return 0;
}

static int attach_list(struct rts_session *session, struct rts_error *error)
{
    struct rts_error failure;
    if (check_pids(session, error) < 0)
        return -1;
    int result = attach_pids(session, &failure);
    if (result < 0 && is_limit(&failure) && (result = turn_to_cpus(session, &failure)) == 0)
        result = attach_pids(session, &failure);
    if (result < 0)
        *error = failure;
    return result;
}

static int32_t *group_processes(const struct rts_session *session, size_t *count)
{
    return session->group
               ? rts_cgroup_processes(session->group, count)
               : rts_container_processes(rts_session_proc(session), session->container_id, count);
}

/* Those in the control group; or, where all were wanted and CPUs were refused, those that may be
 * sampled one by one: of our own user, or of any when we may trace everybody. */
static int32_t *list_candidates(const struct rts_session *session, size_t *count)
{
    if (session->group || session->container_id[0])
        return group_processes(session, count);
    size_t all, kept = 0;
    int32_t *pids = rts_process_list(rts_session_proc(session), 0, &all);
    struct rts_standing standing;
    const struct rts_proc proc = {.broker = session->broker, .root = "/proc"};
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

/* Takes in who is in the control group and is not sampled yet. Returns 1 when somebody cannot be,
 * for the reason in *error, and -1 at the limit of threads. */
static int follow_group(struct rts_session *session, struct rts_error *error)
{
    unsigned unreadable = session->account.processes > 0; /* said before */
    int result = 0;
    size_t count;
    RTS_FREE int32_t *pids = list_candidates(session, &count);
    for (size_t i = 0; i < count; i++) {
        struct rts_error failure;
        if (rts_session_is_own(session, pids[i]) || is_sampled(session, pids[i]))
            continue;
        if (session->whole_cpus || session->group_events ||
            rts_capture_add_process(session->capture, pids[i], &failure) == 0) {
            take_in(session, pids[i], &unreadable, NULL);
        } else if (failure.failure != RTS_NOT_FOUND) {
            if (error)
                *error = failure;
            if (is_limit(&failure))
                return -1;
            result = 1;
        }
    }
    return result;
}

/* What is left of "all" without the permission to sample whole CPUs. */
static int attach_own(struct rts_session *session, const struct rts_error *refusal)
{
    struct rts_error failure;
    if (!refusal->cause)
        return -1;
    session->own_only = true;
    int result = follow_group(session, &failure);
    if (rts_process_table_alive(session->processes, 0, false) == 0)
        return session->own_only = false, -1;
    if (result < 0)
        rts_log("without some of them: %s", failure.text);
    session->receipt.refused[RTS_RUNG_PERF_CPUS] = refusal->cause;
    rts_log("%s; sampling those processes alone that may be sampled", refusal->text);
    return 0;
}

static int attach_all(struct rts_session *session, struct rts_error *error)
{
    struct rts_error failure;
    if (rts_capture_add_cpus(session->capture, &failure) < 0)
        return attach_own(session, &failure) == 0 ? 0 : (*error = failure, -1);
    unsigned unreadable = 0;
    size_t count;
    RTS_FREE int32_t *pids = rts_process_list(rts_session_proc(session), 0, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_session_is_own(session, pids[i]))
            take_in(session, pids[i], &unreadable, NULL);
    if (unreadable > 1)
        rts_log("the same holds for %u processes in all", unreadable);
    return 0;
}

static int follow_group_by_cpu(struct rts_session *session, struct rts_error *error)
{
    if (turn_to_cpus(session, error) < 0)
        return -1;
    return follow_group(session, error);
}

/* The kernel itself keeps to those who are in the group, however short their life is, where whole
 * CPUs may be sampled and perf counts by that hierarchy of groups. */
static void open_group_events(struct rts_session *session)
{
    struct rts_error failure;
    RTS_CLOSE int folder =
        session->group ? open(session->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    session->group_events = rts_capture_add_group(session->capture, folder, &failure) == 0;
    if (session->group_events)
        rts_log("the kernel samples this control group as such");
    else if (session->group)
        rts_log(
            "following the processes of this control group, which the kernel does not sample as "
            "such (%s)",
            failure.number ? strerror(failure.number) : failure.text);
    else
        rts_log("following the processes of container %.16s, whose control group is not to be seen",
                session->container_id);
}

static void say_incomplete(struct rts_session *session, const struct rts_error *failure)
{
    if (!session->group_failed)
        rts_log("without some of the control group: %s", failure->text);
    session->group_failed = true;
}

static int find_group(struct rts_session *session, struct rts_error *error)
{
    const char *wanted = session->settings->group;
    struct rts_container_place place;
    if (session->settings->target == RTS_TARGET_CGROUP) {
        session->group = rts_cgroup_find(RTS_CGROUP_ROOT, wanted, error);
        return session->group ? 0 : -1;
    }
    if (rts_cgroup_find_container(rts_session_proc(session), RTS_CGROUP_ROOT, wanted, &place,
                                  error) < 0)
        return -1;
    session->group = place.folder;
    memcpy(session->container_id, place.id, sizeof session->container_id);
    return 0;
}

static int attach_group(struct rts_session *session, struct rts_error *error)
{
    struct rts_error failure;
    if (find_group(session, error) < 0)
        return -1;
    open_group_events(session);
    int result = follow_group(session, &failure);
    if (result < 0)
        result = follow_group_by_cpu(session, &failure);
    bool empty = rts_process_table_alive(session->processes, 0, false) == 0;
    if (result < 0 || (result > 0 && empty))
        return *error = failure, -1;
    if (empty)
        return rts_fail(error, RTS_NOT_FOUND, "no process is in the control group %s",
                        session->settings->group);
    if (result > 0)
        say_incomplete(session, &failure);
    return 0;
}

/* Is there nobody left but ourselves? */
static bool is_group_empty(const struct rts_session *session)
{
    size_t count;
    RTS_FREE int32_t *pids = group_processes(session, &count);
    for (size_t i = 0; i < count; i++)
        if (!rts_session_is_own(session, pids[i]))
            return false;
    return true;
}

/* Those who came by themselves count before the group is given up. */
static bool group_ended(struct rts_session *session, bool thorough)
{
    struct rts_error failure;
    uint64_t now = session->code_map.time;
    if (session->group_events)
        return is_group_empty(session);
    if (!thorough && rts_process_table_alive(session->processes, now, false) > 0)
        return false;
    int result = follow_group(session, &failure);
    if (result < 0 && rts_session_turn_to_cpus(session, failure.cause, failure.text, NULL) == 0)
        result = follow_group(session, &failure);
    if (result != 0)
        say_incomplete(session, &failure);
    return rts_process_table_alive(session->processes, now, true) == 0;
}

static int attach_command(struct rts_session *session, struct rts_error *error)
{
    if (session->command.pid == 0 &&
        rts_command_start(&session->command, session->settings->command, &session->origin, error) <
            0)
        return -1;
    return rts_capture_add_process(session->capture, session->command.pid, error);
}

int rts_session_attach(struct rts_session *session, struct rts_error *error)
{
    switch (session->settings->target) {
    case RTS_TARGET_PIDS: return attach_list(session, error);
    case RTS_TARGET_ALL: return attach_all(session, error);
    case RTS_TARGET_COMMAND: return attach_command(session, error);
    case RTS_TARGET_CGROUP:
    case RTS_TARGET_CONTAINER: return attach_group(session, error);
    case RTS_TARGET_NONE: break;
    }
    return rts_fail(error, RTS_USAGE, "no target");
}

int rts_session_begin(struct rts_session *session, struct rts_error *error)
{
    if (session->settings->target != RTS_TARGET_COMMAND)
        return 0;
    return rts_command_release(&session->command, session->settings->command[0], error);
}

bool rts_session_target_ended(struct rts_session *session, bool thorough)
{
    switch (session->settings->target) {
    case RTS_TARGET_COMMAND: return rts_command_poll(&session->command);
    case RTS_TARGET_PIDS:
        return rts_process_table_alive(session->processes, session->code_map.time, thorough) == 0;
    case RTS_TARGET_CGROUP:
    case RTS_TARGET_CONTAINER: return group_ended(session, thorough);
    case RTS_TARGET_ALL:
        if (session->own_only && thorough)
            follow_group(session, NULL);
        return false;
    default: return false;
    }
}
