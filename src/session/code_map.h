/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where processes meet files: from a pc of a process at a time to the object that is mapped there,
 * opened on first need. This is what the unwinder asks.
 */
#ifndef RTS_SESSION_CODE_MAP_H
#define RTS_SESSION_CODE_MAP_H

#include "binary/object_cache.h"
#include "package/package_table.h"
#include "process/process.h"
#include "unwind/unwind.h"

/* Where else files are found than through the processes that map them. Each returns an object with
 * a reference of the cache's, or NULL. */
struct rts_file_finder {
    void *context;
    /* *no_elf: the file is there, and holds generated code. */
    struct rts_object *(*find)(void *context, const struct rts_mapping *mapping, bool *no_elf);
    struct rts_object *(*find_vdso)(void *context);
};

struct rts_code_map {
    struct rts_process_table *processes;
    struct rts_object_cache *objects;
    struct rts_package_table *packages; /* told of every object that is found; NULL: nobody asks */
    const struct rts_file_finder *finder; /* NULL: through the processes */
    bool monotonic; /* the times of records are of CLOCK_MONOTONIC, and can be compared with files'
                     */
    uint64_t files_refused; /* how often there was no descriptor for a file; it is tried again */
    /* The question that is being asked: */
    struct rts_process *process;
    uint64_t time;
};

/* The object of the file of `mapping`, which is one of a file, opened on first need; borrowed.
 * NULL: it cannot be read, or is no ELF file. */
struct rts_object *rts_code_map_object(struct rts_code_map *map, const struct rts_mapping *mapping);

/* A struct rts_code_finder's function; `context` is a struct rts_code_map. */
struct rts_code rts_code_map_find(void *context, uint64_t pc);

#endif
