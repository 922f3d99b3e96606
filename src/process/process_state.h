/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the process table share: process.c (instances, and what is mapped in them),
 * process_events.c (what records tell), process_proc.c (what /proc tells) and process_memory.c. */
#ifndef RTS_PROCESS_PROCESS_STATE_H
#define RTS_PROCESS_PROCESS_STATE_H

#include "process/process.h"
#include "util/table.h"

struct rts_process_table {
    struct rts_proc proc;         /* .root is owned; NULL: only records are known */
    struct rts_table by_pid;      /* the newest instance of each pid */
    struct rts_table by_instance; /* all instances */
    struct rts_mapped_files files;
    struct rts_owners owners;
    uint64_t last_instance;
    size_t copied;  /* rts_process_table_copied() */
    bool selective; /* not every process is a target */
};

/* The instance that has this pid now, or had it last; NULL when there is none. */
struct rts_process *rts_process_newest(const struct rts_process_table *table, int32_t pid);

/* Makes a new instance of `pid`; the one before, if any, ends at `time`. */
struct rts_process *rts_process_add_instance(struct rts_process_table *table, int32_t pid,
                                             uint64_t time);

/* What is mapped, by the path that the kernel gives it. */
enum rts_mapping_kind rts_mapping_kind_of(const char *path, bool has_inode);

/* Adds what is mapped, of the kind that `file` says, if it is not known yet; both are copied. */
void rts_process_add_mapping(struct rts_process_table *table, struct rts_process *process,
                             struct rts_mapping mapping, const struct rts_mapped_file *file);

/* The references that sets of mappings hold; `context` is not used. */
void rts_process_retain_file(void *context, struct rts_mapped_file *file);
void rts_process_release_file(void *context, struct rts_mapped_file *file);

#endif
