/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a mapping of a process to the object of its file, which is opened on first need: through the
 * process, and only the very file that is mapped. Files that are overwritten count as others from
 * then on.
 */
#ifndef RTS_SAMPLER_MAPPED_OBJECT_H
#define RTS_SAMPLER_MAPPED_OBJECT_H

#include "binary/object_cache.h"
#include "package/package_table.h"
#include "process/process.h"

/* Where else files are found than through the processes that map them. Each returns an object with
 * a reference of the cache's, or NULL. */
struct rts_file_finder {
    void *context;
    /* *no_elf: the file is there, and holds generated code. */
    struct rts_object *(*find)(void *context, const struct rts_mapping *mapping, bool *no_elf);
    struct rts_object *(*find_vdso)(void *context);
};

/* Where processes meet files. All is borrowed. */
struct rts_code_map {
    struct rts_process_table *processes;
    struct rts_object_cache *objects;
    struct rts_package_table *packages; /* told of every object that is found; NULL: nobody asks */
    const struct rts_file_finder *finder; /* NULL: through the processes */
    bool monotonic; /* the times of records are of CLOCK_MONOTONIC, and can be compared with those
                       of files */
    uint64_t files_refused; /* how often there was no descriptor for a file; it is tried again */
};

/* What is asked: what was mapped in this process at this time? */
struct rts_code_question {
    struct rts_code_map *map;
    struct rts_process *process;
    uint64_t time; /* ns, by the clock of the records */
};

/* The object of the file of `mapping`, which is one of a file; borrowed. NULL: it cannot be read,
 * is no ELF file, or is not what was mapped at that time. */
struct rts_object *rts_mapped_object_find(const struct rts_code_question *question,
                                          const struct rts_mapping *mapping);

/* The entry of the mapping's file as of the time of the question. Memory shows what is written to a
 * file, so when that is overwritten another entry counts from then on. */
struct rts_mapped_file *rts_mapped_object_file(const struct rts_code_question *question,
                                               struct rts_mapping *mapping);

/* Whether what was opened, or could not be, is what was there at that time. */
bool rts_mapped_object_is_of_time(const struct rts_code_question *question,
                                  const struct rts_mapped_file *file);

#endif
