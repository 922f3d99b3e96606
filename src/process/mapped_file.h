/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that are mapped anywhere, one entry per identity (device and inode, or build-id, and
 * path), so that a file is opened and resolved once and not once per process. Entries that nobody
 * uses any more are kept for a while: the next short-lived process maps the same files.
 */
#ifndef RTS_PROCESS_MAPPED_FILE_H
#define RTS_PROCESS_MAPPED_FILE_H

#include "process/mapping.h"
#include "util/error.h"
#include "util/table.h"

struct rts_mapped_files {
    struct rts_table by_identity;
};

/* Frees all entries, calling `forget` for each that holds an object. */
void rts_mapped_files_finish(struct rts_mapped_files *files,
                             void (*forget)(void *context, struct rts_object *object),
                             void *context);

/* The entry for this identity, made if need be, with one reference for the caller. `key` needs
 * path, has_identity, major, minor, inode and build_id. */
struct rts_mapped_file *rts_mapped_files_get(struct rts_mapped_files *files,
                                             const struct rts_mapped_file *key);

void rts_mapped_file_ref(struct rts_mapped_file *file);
void rts_mapped_file_unref(struct rts_mapped_file *file);

/* Frees entries without a reference beyond `limit`, calling `forget` for their objects. */
void rts_mapped_files_trim(struct rts_mapped_files *files, size_t limit,
                           void (*forget)(void *context, struct rts_object *object), void *context);

/* Opens the very file that is mapped at `mapping` in process `pid`: through /proc/PID/map_files
 * (also when it is deleted or replaced), else by its path below /proc/PID/root, else by its path
 * here, and then only if device and inode (or the build-id, checked by the caller: see *verified)
 * say that it is the same file. Never blocks on a FIFO or device. Returns an fd, or -1 with the
 * reason. *verified is false when only the caller's build-id check can tell. */
int rts_mapped_file_open(const char *proc_root, int32_t pid, const struct rts_mapping *mapping,
                         bool *verified, struct rts_error *error);

#endif
