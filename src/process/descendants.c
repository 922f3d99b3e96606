/* SPDX-License-Identifier: Apache-2.0 */
#include "process/descendants.h"

#include <stdbool.h>
#include <stdlib.h>

#include "broker/tree.h"
#include "process/stat.h"
#include "util/cleanup.h"
#include "util/memory.h"

/* All that the kernel can number (PID_MAX_LIMIT). */
#define PROCESSES_MAX ((size_t)4 << 20)

struct relation {
    int32_t pid, parent;
    bool wanted;
};

static int32_t parent_of(const struct rts_proc *proc, int32_t pid)
{
    struct rts_process_stat stat;
    return rts_process_stat_read(proc, pid, &stat) == 0 ? stat.parent : -1;
}

static struct relation *read_relations(const struct rts_proc *proc, bool with_parents,
                                       size_t *count)
{
    struct relation *relations = NULL;
    size_t capacity = 0;
    *count = 0;
    struct rts_buffer names = RTS_BUFFER_INIT;
    rts_proc_list(proc, 0, "", PROCESSES_MAX, &names);
    for (const char *name = NULL; (name = rts_tree_next_name(&names, name));) {
        int32_t pid = (int32_t)strtol(name, NULL, 10);
        if (pid <= 0)
            continue;
        relations = rts_grow(relations, *count, &capacity, sizeof *relations);
        relations[(*count)++] =
            (struct relation){.pid = pid, .parent = with_parents ? parent_of(proc, pid) : -1};
    }
    rts_buffer_finish(&names);
    return relations;
}

static int by_pid(const void *left, const void *right)
{
    const struct relation *a = left, *b = right;
    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static bool is_wanted(const struct relation *relations, size_t count, int32_t pid)
{
    const struct relation key = {.pid = pid};
    const struct relation *found = bsearch(&key, relations, count, sizeof key, by_pid);
    return found && found->wanted;
}

static bool is_root(const int32_t *roots, size_t root_count, int32_t pid)
{
    for (size_t i = 0; i < root_count; i++)
        if (roots[i] == pid)
            return true;
    return false;
}

static int32_t *take_wanted(const struct relation *relations, size_t total, size_t *count)
{
    int32_t *pids = rts_calloc(total, sizeof *pids);
    *count = 0;
    for (size_t i = 0; i < total; i++)
        if (relations[i].wanted)
            pids[(*count)++] = relations[i].pid;
    return pids;
}

int32_t *rts_process_descendants(const struct rts_proc *proc, const int32_t *roots,
                                 size_t root_count, size_t *count)
{
    size_t total;
    RTS_FREE struct relation *relations = read_relations(proc, true, &total);
    if (total > 0)
        qsort(relations, total, sizeof *relations, by_pid);
    for (size_t i = 0; i < total; i++)
        relations[i].wanted = is_root(roots, root_count, relations[i].parent);
    /* Parents mostly have the smaller pids, so that few rounds are needed. */
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < total; i++) {
            struct relation *one = &relations[i];
            if (!one->wanted && is_wanted(relations, total, one->parent))
                changed = one->wanted = true;
        }
    }
    return take_wanted(relations, total, count);
}

int32_t *rts_process_list(const struct rts_proc *proc, int32_t ancestor, size_t *count)
{
    if (ancestor > 0)
        return rts_process_descendants(proc, &ancestor, 1, count);
    size_t total;
    RTS_FREE struct relation *relations = read_relations(proc, false, &total);
    if (total > 0)
        qsort(relations, total, sizeof *relations, by_pid);
    for (size_t i = 0; i < total; i++)
        relations[i].wanted = true;
    return take_wanted(relations, total, count);
}
