/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the process table share: process.c (instances, and what is mapped in them),
 * process_events.c (what records tell), process_proc.c (what /proc tells) and process_memory.c. */
#ifndef RTS_PROCESS_PROCESS_STATE_H
#define RTS_PROCESS_PROCESS_STATE_H

#include "process/maps.h"
#include "process/maps_allowance.h"
#include "process/process.h"
#include "util/table.h"

struct rts_process_table {
    struct rts_proc proc;         /* .root is owned; NULL: only records are known */
    struct rts_table by_pid;      /* the newest instance of each pid */
    struct rts_table by_instance; /* all instances */
    struct rts_mapped_files files;
    struct rts_owners owners;
    struct rts_maps_allowance allowance;
    uint64_t last_instance;
    size_t copied;  /* rts_process_table_copied() */
    bool selective; /* not every process is a target */
};

/* The instance that has this pid now, or had it last; NULL when there is none. */
struct rts_process *rts_process_newest(const struct rts_process_table *table, int32_t pid);

/* Makes a new instance of `pid`; the one before, if any, ends at `time`. */
struct rts_process *rts_process_add_instance(struct rts_process_table *table, int32_t pid,
                                             uint64_t time);

/* rts_maps_read_part() of a process that /proc shows as `view`, paid for by its owner. -1 with
 * error->number EDQUOT: he has to wait. */
int rts_process_read_maps(struct rts_process_table *table, struct rts_process *process,
                          int32_t view, const struct rts_maps_wanted *wanted,
                          void (*each)(void *context, const struct rts_maps_line *line),
                          void *context, struct rts_error *error);

/* Adds what is mapped, of the kind that `file` says, if it is not known yet; both are copied. */
void rts_process_add_mapping(struct rts_process_table *table, struct rts_process *process,
                             struct rts_mapping mapping, const struct rts_mapped_file *file);

/* The references that sets of mappings hold; `context` is not used. */
void rts_process_retain_file(void *context, struct rts_mapped_file *file);
void rts_process_release_file(void *context, struct rts_mapped_file *file);

#endif
