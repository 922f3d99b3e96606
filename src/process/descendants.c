/* SPDX-License-Identifier: Apache-2.0 */
#include "process/descendants.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>

#include "process/stat.h"
#include "util/cleanup.h"
#include "util/memory.h"

struct relation {
    int32_t pid, parent;
    bool wanted;
};

static int32_t parent_of(const char *proc_root, int32_t pid)
{
    struct rts_process_stat stat;
    return rts_process_stat_read(proc_root, pid, &stat) == 0 ? stat.parent : -1;
}

static struct relation *read_relations(const char *proc_root, bool with_parents, size_t *count)
{
    struct relation *relations = NULL;
    size_t capacity = 0;
    *count = 0;
    DIR *directory = opendir(proc_root);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int32_t pid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0)
            continue;
        relations = rts_grow(relations, *count, &capacity, sizeof *relations);
        relations[(*count)++] =
            (struct relation){.pid = pid, .parent = with_parents ? parent_of(proc_root, pid) : -1};
    }
    if (directory)
        closedir(directory);
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

int32_t *rts_process_list(const char *proc_root, int32_t ancestor, size_t *count)
{
    size_t total;
    RTS_FREE struct relation *relations = read_relations(proc_root, ancestor > 0, &total);
    if (total > 0)
        qsort(relations, total, sizeof *relations, by_pid);
    /* Parents mostly have the smaller pids, so that few rounds are needed. */
    for (bool changed = ancestor > 0; changed;) {
        changed = false;
        for (size_t i = 0; i < total; i++) {
            struct relation *one = &relations[i];
            if (!one->wanted &&
                (one->parent == ancestor || is_wanted(relations, total, one->parent)))
                changed = one->wanted = true;
        }
    }
    int32_t *pids = rts_calloc(total, sizeof *pids);
    *count = 0;
    for (size_t i = 0; i < total; i++)
        if (ancestor <= 0 || relations[i].wanted)
            pids[(*count)++] = relations[i].pid;
    return pids;
}
