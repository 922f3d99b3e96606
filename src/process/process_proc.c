/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of a process: its name, and what is mapped; declared in process.h. */
#include "process/process_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/tree.h"
#include "process/stat.h"
#include "util/clock.h"

/* Reading maps costs the target's mmap lock: not more often than the first, and less and less
 * often, down to the second, for a process of which it never tells anything new. */
#define REFRESH_INTERVAL_NS     (RTS_NS_PER_S / 10)
#define REFRESH_INTERVAL_MAX_NS (32 * REFRESH_INTERVAL_NS)

/* Parents of parents that are looked at: few trees are deeper, and what is read may change while it
 * is. */
#define ANCESTORS_MAX 64

/* Threads of a process that are tried. */
#define THREADS_MAX 65536

/* Of a process with fewer mappings it does not matter whose it is, as long as nobody has too many:
 * to find that out is another question. */
#define MAPPINGS_MANY 1024

struct reading {
    struct rts_process_table *table;
    struct rts_process *process;
    uint64_t again; /* 0: first reading; else when it is read again, for what is not known yet */
    bool added;
};

/* Is this what is known to be mapped there? The kernel may have given us a build-id in place of
 * device and inode. */
static bool is_same_code(const struct rts_mapping *known, const struct rts_maps_line *line)
{
    if (known->end < line->end || known->kind != rts_mapping_kind_of(line->path, line->inode != 0))
        return false;
    if (known->kind != RTS_MAPPING_FILE)
        return true;
    const struct rts_mapped_file *file = known->file;
    if (known->offset + (line->start - known->start) != line->offset)
        return false;
    if (file->has_identity)
        return file->major == line->major && file->minor == line->minor &&
               file->inode == line->inode;
    return strcmp(file->path, line->path) == 0;
}

static bool overlaps_known(const struct rts_mapping_set *set, const struct rts_maps_line *line)
{
    for (size_t i = 0; i < set->count && set->items[i].start < line->end; i++)
        if (set->items[i].end > line->start && set->items[i].until_ns == UINT64_MAX)
            return true;
    return false;
}

static void take_maps_line(void *context, const struct rts_maps_line *line)
{
    struct reading *reading = context;
    if (!line->executable)
        return;
    struct rts_mapping mapping = {
        .start = line->start,
        .end = line->end,
        .offset = line->offset,
    };
    if (reading->again > 0) {
        const struct rts_mapping_set *set = &reading->process->mappings;
        const struct rts_mapping *known = rts_mapping_set_find(set, line->start, UINT64_MAX - 1);
        if (known && is_same_code(known, line))
            return;
        /* What is there took the place of what was known, at some time that we missed. */
        if (overlaps_known(set, line))
            mapping.from_ns = reading->again;
    }
    struct rts_mapped_file file = {
        .path = line->path,
        .has_identity = true,
        .major = line->major,
        .minor = line->minor,
        .inode = line->inode,
    };
    rts_process_add_mapping(reading->table, reading->process, mapping, &file);
    reading->added = true;
}

static void read_name(const struct rts_process_table *table, struct rts_process *process)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (rts_proc_read(&table->proc, process->pid, "comm", sizeof process->name, &text) == 0 &&
        text.size > 0)
        snprintf(process->name, sizeof process->name, "%.*s", (int)strcspn(text.data, "\n"),
                 text.data);
    rts_buffer_finish(&text);
}

int rts_process_read_maps(struct rts_process_table *table, struct rts_process *process,
                          int32_t view, const struct rts_maps_wanted *wanted,
                          void (*each)(void *context, const struct rts_maps_line *line),
                          void *context, struct rts_error *error)
{
    struct rts_maps_allowance *allowance = &table->allowance;
    uint64_t now = rts_clock_monotonic_ns();
    bool cut;
    unsigned owner = rts_maps_allowance_is_short(allowance, now) ? rts_process_owner(table, process)
                                                                 : process->owner;
    if (!rts_owners_is_ours(&table->owners, owner) &&
        !rts_maps_allowance_has(allowance, owner, now)) {
        rts_fail_errno(error, EDQUOT, "the maps of process %d are put off", (int)process->pid);
        return -1;
    }
    int lines = rts_maps_read_part(&table->proc, view, wanted, each, context, &cut, error);
    if (lines < 0)
        return lines;
    if (lines >= MAPPINGS_MANY)
        owner = rts_process_owner(table, process);
    allowance->put_off[owner] += cut;
    rts_maps_allowance_pay(allowance, owner, now, (uint64_t)lines);
    return lines;
}

/* Reads the maps through the first thread, or, when that has ended, through one that has not. */
static int read_maps(struct rts_process_table *table, struct reading *reading,
                     struct rts_error *error)
{
    struct rts_process *process = reading->process;
    struct rts_buffer threads = RTS_BUFFER_INIT;
    struct rts_error failure = {0};
    const struct rts_maps_wanted code = {.part = RTS_MAPS_CODE};
    int lines = rts_process_read_maps(table, process, process->view, &code, take_maps_line, reading,
                                      &failure);
    if (lines < 0 && error)
        *error = failure;
    /* All threads have the same memory, and make us wait alike. */
    if (lines > 0 || failure.number == ETIME || failure.number == EDQUOT)
        return lines;
    rts_proc_list(&table->proc, process->pid, "task", THREADS_MAX, &threads);
    for (const char *name = NULL; lines <= 0 && (name = rts_tree_next_name(&threads, name));) {
        int32_t tid = (int32_t)strtol(name, NULL, 10);
        if (tid <= 0 || tid == process->view)
            continue;
        int found =
            rts_process_read_maps(table, process, tid, &code, take_maps_line, reading, NULL);
        if (found > 0) {
            process->view = tid;
            lines = found;
        }
    }
    rts_buffer_finish(&threads);
    return lines;
}

int rts_process_attach(struct rts_process_table *table, int32_t pid, struct rts_process **process,
                       struct rts_error *error)
{
    *process = rts_process_newest(table, pid);
    if (*process && (*process)->maps_known)
        return 0;
    struct rts_process *attached = *process ? *process : rts_process_add_instance(table, pid, 0);
    *process = attached;
    if (!table->proc.root)
        return 0;
    struct reading reading = {.table = table, .process = attached};
    struct rts_error failure;
    int lines = read_maps(table, &reading, &failure);
    attached->maps_known = lines > 0;
    if (attached->name[0] == '\0')
        read_name(table, attached);
    struct rts_process_stat stat;
    if (rts_process_stat_read(&table->proc, pid, &stat) == 0)
        attached->start_ticks = stat.start_ticks, attached->cpu_ms = stat.cpu_ms;
    if (lines >= 0 || failure.number == EDQUOT) /* its samples make them be read */
        return 0;
    if (failure.number == ENOENT || failure.number == ESRCH) {
        attached->died_ns = attached->born_ns; /* there may be samples of it, and no more */
        return rts_fail(error, RTS_NOT_FOUND, "no process with pid %d", (int)pid);
    }
    if (failure.number == ETIME) {
        rts_fail(error, RTS_NOT_PERMITTED,
                 "process %d cannot be looked into: what it has mapped is not known, and its code "
                 "stays unnamed",
                 (int)pid);
        if (error)
            error->number = ETIME;
        return -1;
    }
    rts_fail(error, RTS_NOT_PERMITTED,
             "cannot read what process %d has mapped (%s): code that was mapped before now stays "
             "unnamed",
             (int)pid, strerror(failure.number));
    if (error)
        error->number = failure.number;
    return -1;
}

bool rts_process_refresh(struct rts_process_table *table, struct rts_process *process, uint64_t now)
{
    if (!table->proc.root || process->died_ns != UINT64_MAX || now < process->read_again_ns)
        return false;
    struct reading reading = {.table = table, .process = process, .again = now};
    if (read_maps(table, &reading, NULL) > 0)
        process->maps_known = true;
    if (process->name[0] == '\0')
        read_name(table, process);
    uint64_t twice = 2 * process->read_wait_ns;
    process->read_wait_ns = reading.added || twice == 0       ? REFRESH_INTERVAL_NS
                            : twice > REFRESH_INTERVAL_MAX_NS ? REFRESH_INTERVAL_MAX_NS
                                                              : twice;
    process->read_again_ns = now + process->read_wait_ns;
    return reading.added;
}

bool rts_process_descends(const struct rts_process_table *table, int32_t pid)
{
    struct rts_process_stat stat;
    for (int depth = 0; depth < ANCESTORS_MAX && pid > 1; depth++) {
        if (!table->proc.root || rts_process_stat_read(&table->proc, pid, &stat) < 0)
            return false;
        const struct rts_process *parent = rts_process_newest(table, stat.parent);
        if (parent)
            return parent->target && parent->died_ns == UINT64_MAX;
        pid = stat.parent;
    }
    return false;
}
