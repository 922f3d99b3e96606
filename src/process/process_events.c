/* SPDX-License-Identifier: Apache-2.0 */
/* What records tell of processes: what they map, what they are called, who is born and who ends. */
#include "process/process_state.h"

#include <stdio.h>
#include <string.h>

/* The kernel tells what is mapped and never what is unmapped: after so many reports most of what we
 * know may be gone, and it is read anew. */
#define REPORTED_MAPPINGS_MAX 4096

/* Two reports of one event are this close, and two forks or execs with one pid are not. */
#define DUPLICATE_NS 50000ULL

/* Storms are made of generated code, which takes the least to find again. */
static void forget_reported(struct rts_process *process)
{
    rts_mapping_set_own(&process->mappings, rts_process_retain_file, NULL);
    rts_mapping_set_forget_anonymous(&process->mappings);
    if (process->mappings.count > REPORTED_MAPPINGS_MAX)
        rts_mapping_set_finish(&process->mappings, rts_process_release_file, NULL);
    process->reported = 0;
    process->maps_known = false;
}

/* Nothing is to be known of those that are not targets. */
static bool is_strange(const struct rts_process_table *table, const struct rts_process *process)
{
    return table->selective && !(process && process->target);
}

void rts_process_mapped(struct rts_process_table *table, int32_t pid, uint64_t time,
                        const struct rts_mapping *mapping, const struct rts_mapped_file *file)
{
    struct rts_process *process = rts_process_find(table, pid, time);
    if (is_strange(table, process))
        return;
    if (!process)
        process = rts_process_add_instance(table, pid,
                                           0); /* heard of for the first time: read maps later */
    struct rts_mapping added = *mapping;
    added.from_ns = time;
    size_t before = process->mappings.count;
    rts_process_add_mapping(table, process, added, file);
    process->reported += process->mappings.count > before;
    if (!table->proc.root)
        process->maps_known = true; /* a trace tells all, or we never know more */
    else if (process->reported > REPORTED_MAPPINGS_MAX)
        forget_reported(process);
}

/* A thread that two events watch reports a fork or an exec twice, and each event stamps its own
 * reading of the clock. */
static bool same_event(uint64_t known, uint64_t time)
{
    return known > 0 && (known < time ? time - known : known - time) < DUPLICATE_NS;
}

void rts_process_renamed(struct rts_process_table *table, int32_t pid, uint64_t time,
                         const char *name, bool exec)
{
    struct rts_process *process = rts_process_find(table, pid, time);
    if (is_strange(table, process))
        return;
    /* The same exec may be reported by several events. */
    if (exec && !(process && same_event(process->born_ns, time))) {
        bool target = process && process->target;
        const struct rts_process *before = process;
        process = rts_process_add_instance(table, pid, time);
        if (before) {
            process->container = before->container;
            process->owner = before->owner;
        }
        process->target |= target;
        process->maps_known = true; /* all that follows is reported */
    }
    if (process)
        snprintf(process->name, sizeof process->name, "%s", name);
}

void rts_process_forked(struct rts_process_table *table, int32_t parent_pid, int32_t pid,
                        uint64_t time)
{
    if (parent_pid == pid)
        return; /* a thread */
    struct rts_process *known = rts_process_newest(table, pid);
    if (known && same_event(known->born_ns, time))
        return; /* reported by another event already */
    struct rts_process *parent = rts_process_find(table, parent_pid, time);
    bool strange = is_strange(table, parent);
    if (strange && !known)
        return;
    struct rts_process *child = rts_process_add_instance(table, pid, time);
    if (!parent || strange) /* then it is there to tell that the pid is another one's now */
        return;
    child->maps_known = parent->maps_known;
    child->target = parent->target;
    child->container = parent->container;
    child->owner = parent->owner;
    memcpy(child->views, parent->views, sizeof child->views);
    memcpy(child->name, parent->name, sizeof child->name);
    rts_mapping_set_share(&child->mappings, &parent->mappings);
    rts_text_copies_inherit(&child->copies, &parent->copies, rts_process_retain_file, NULL);
}

void rts_process_thread_exited(struct rts_process_table *table, int32_t pid, int32_t tid,
                               uint64_t time)
{
    struct rts_process *process = rts_process_find(table, pid, time);
    if (process && pid == tid)
        process->leader_exited = true;
}
