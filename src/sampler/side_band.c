/* SPDX-License-Identifier: Apache-2.0 */
#include "sampler/side_band.h"

static void account_throttled(struct rts_sampler *sampler, uint64_t since, uint64_t until)
{
    rts_account_throttled(sampler->setup.account, since, until,
                          rts_capture_facts(sampler->capture)->frequency);
}

static void take_throttle(struct rts_sampler *sampler, const struct rts_record *record)
{
    if (record->cpu >= sampler->setup.cpu_count)
        return;
    uint64_t *since = &sampler->throttled_since[record->cpu];
    if (record->kind == RTS_RECORD_THROTTLE) {
        if (*since == 0)
            *since = record->time;
    } else if (*since != 0) {
        account_throttled(sampler, *since, record->time);
        *since = 0;
    }
}

static void take_mmap(struct rts_sampler *sampler, const struct rts_record *record)
{
    const struct rts_mmap_record *map = &record->mmap;
    if (!map->executable || map->start + map->size < map->start)
        return;
    struct rts_mapping mapping = {
        .start = map->start,
        .end = map->start + map->size,
        .offset = map->offset,
    };
    struct rts_mapped_file file = {
        .path = (char *)(uintptr_t)map->path, /* copied, never written to */
        .has_identity = map->has_identity,
        .major = map->major,
        .minor = map->minor,
        .inode = map->inode,
        .build_id = map->build_id,
    };
    rts_process_mapped(sampler->processes, record->pid, record->time, &mapping, &file);
}

/* Of who is no target nothing may be told. */
static bool is_of_target(const struct rts_sampler *sampler, const struct rts_record *record)
{
    const struct rts_process *process =
        rts_process_find(sampler->processes, record->pid, record->time);
    return process && process->target && !rts_self_is(sampler->setup.self, record->pid);
}

static bool is_of_task(const struct rts_record *record)
{
    return record->kind == RTS_RECORD_COMM || record->kind == RTS_RECORD_FORK ||
           record->kind == RTS_RECORD_EXIT;
}

void rts_sampler_take_side_band(void *context, const struct rts_record *record)
{
    struct rts_sampler *sampler = context;
    struct rts_account *account = sampler->setup.account;
    bool is_new = record->kind == RTS_RECORD_MMAP || record->kind == RTS_RECORD_COMM ||
                  record->kind == RTS_RECORD_FORK;
    if (is_new && record->pid <= 0)
        return; /* outside of our pid namespace, where nobody has an id */
    switch (record->kind) {
    case RTS_RECORD_MMAP:
        take_mmap(sampler, record);
        sampler->setup.sink.mapped(sampler->setup.sink.context);
        break;
    case RTS_RECORD_COMM:
        /* A thread's name is not its process's. */
        if (record->comm.exec || record->pid == record->tid)
            rts_process_renamed(sampler->processes, record->pid, record->time, record->comm.name,
                                record->comm.exec);
        break;
    case RTS_RECORD_FORK:
        rts_process_forked(sampler->processes, record->task.parent_pid, record->pid, record->time);
        if (sampler->lives && sampler->reach != RTS_REACH_CPUS)
            rts_lives_born(sampler->lives, record->pid, record->tid);
        break;
    case RTS_RECORD_EXIT:
        if (sampler->lives && sampler->reach != RTS_REACH_CPUS)
            rts_lives_ended(sampler->lives, record->pid, record->tid);
        rts_process_thread_exited(sampler->processes, record->pid, record->tid, record->time);
        sampler->exit_seen = true;
        break;
    case RTS_RECORD_LOST:
        /* The kernel does not say of which kind they were: that no sample is missing unsaid, each
         * counts as one. */
        account->dropped[RTS_DROP_KERNEL_LOST] += record->lost.records;
        account->lost_records += record->lost.records;
        break;
    case RTS_RECORD_CGROUP:
        rts_cgroup_ids_add(sampler->cgroups, record->cgroup.id, record->cgroup.path);
        break;
    case RTS_RECORD_THROTTLE:
    case RTS_RECORD_UNTHROTTLE: take_throttle(sampler, record); break;
    default: break;
    }
    if (is_of_task(record) && is_of_target(sampler, record))
        sampler->setup.sink.task(sampler->setup.sink.context, record);
}

void rts_sampler_end_throttling(struct rts_sampler *sampler, uint64_t now)
{
    for (unsigned cpu = 0; cpu < sampler->setup.cpu_count; cpu++)
        if (sampler->throttled_since[cpu])
            account_throttled(sampler, sampler->throttled_since[cpu], now);
}
