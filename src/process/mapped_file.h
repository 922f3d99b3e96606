/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that are mapped anywhere, one entry per identity (device and inode, or build-id, and
 * path), so that a file is opened and resolved once and not once per process. Entries that nobody
 * uses any more are kept for a while: the next short-lived process maps the same files. A file that
 * our own root does not have there has a further entry for each view of it: what one root directory
 * shows says nothing of others.
 */
#ifndef RTS_PROCESS_MAPPED_FILE_H
#define RTS_PROCESS_MAPPED_FILE_H

#include "broker/tree.h"
#include "process/mapping.h"
#include "util/error.h"
#include "util/ledger.h"
#include "util/table.h"

struct rts_mapped_files {
    struct rts_table by_identity;
    struct rts_table by_view; /* struct rts_mapped_file with `of`, by that and the view */
    uint64_t clock;           /* counts trims */
    size_t bytes;             /* that all entries take */
    struct rts_ledger
        idle; /* whose those are that nobody uses, in bytes, and what became of them */
};

/* Frees all entries, calling `forget` for each that holds an object. */
void rts_mapped_files_finish(struct rts_mapped_files *files,
                             void (*forget)(void *context, struct rts_object *object),
                             void *context);

/* The entry for this identity, made if need be, with one reference for the caller. `key` needs
 * path, has_identity, major, minor, inode and build_id. */
struct rts_mapped_file *rts_mapped_files_get(struct rts_mapped_files *files,
                                             const struct rts_mapped_file *key);

/* The entry for `file` as `view` shows it; NULL: there is none. It lives until the next trim, and
 * longer as long as it is asked for. */
struct rts_mapped_file *rts_mapped_files_seen(struct rts_mapped_files *files,
                                              struct rts_mapped_file *file,
                                              const struct rts_file_view *view);

/* The same, made if need be. */
struct rts_mapped_file *rts_mapped_files_divide(struct rts_mapped_files *files,
                                                struct rts_mapped_file *file,
                                                const struct rts_file_view *view);

void rts_mapped_file_ref(struct rts_mapped_file *file);
void rts_mapped_file_unref(struct rts_mapped_file *file);

/* What an entry takes, in bytes. */
size_t rts_mapped_file_bytes(const struct rts_mapped_file *file);

/* How often the file could not be opened through processes of this owner. They have attempts of
 * their own each, lest one who hides the file hides it from all. */
unsigned rts_mapped_file_attempts(const struct rts_mapped_file *file, unsigned owner);

/* That happened once more; or it is forgotten for all. */
void rts_mapped_file_failed(struct rts_mapped_file *file, unsigned owner);
void rts_mapped_file_forget_attempts(struct rts_mapped_file *file);

/* Who holds the objects of mapped files. */
struct rts_object_owner {
    void *context;
    /* An entry gives back the reference that it has. */
    void (*forget)(void *context, struct rts_object *object);
    /* Is the object to be let go of, to be opened again on need? NULL: none is. */
    bool (*is_unwanted)(void *context, struct rts_object *object);
    /* Whose is it (process/owner.h)? NULL: all are root's. */
    unsigned (*whose)(void *context, const struct rts_object *object);
};

/* Frees entries without a reference: those that have no object, those whose object is unwanted, and
 * beyond `limit` bytes those that have been so for longest, of owners that have more of them than
 * others (util/ledger.h). One that has references lets go of such an object, and counts as not
 * resolved yet. */
void rts_mapped_files_trim(struct rts_mapped_files *files, size_t limit,
                           const struct rts_object_owner *owner);

/* Where a mapped file may be found, best first. */
enum rts_file_place {
    RTS_PLACE_MAP_FILES, /* /proc/PID/map_files: also when it is deleted or replaced */
    RTS_PLACE_EXE, /* /proc/PID/exe: the program itself, also where map_files is not permitted */
    RTS_PLACE_ITS_ROOT, /* its path below /proc/PID/root */
    RTS_PLACE_OUR_ROOT, /* its path here: the process may be gone, or not ours to look into */
    RTS_PLACE_COUNT
};

/* What was found there. */
struct rts_mapped_found {
    bool verified; /* it is the mapped file by device and inode; false: the kernel told its build-id
                      instead, and the caller must compare that */
    bool copied;   /* what was opened is a copy in memory: its file system could make us wait */
    struct rts_file_status status; /* of the file itself */
};

/* Opens what `place` has for `mapping` of the process that /proc shows as `view`, and as that
 * process itself might: with its `rights`. Where the kernel told device and inode, anything else is
 * refused. Never waits for the other end of a FIFO or device, but it may for the process and its
 * file systems: a caller with a broker asks that (process/look.h). Returns an fd, or -1 with the
 * reason.
 */
int rts_mapped_file_open(const char *proc_root, int32_t view, const struct rts_mapping *mapping,
                         enum rts_file_place place, const struct rts_rights *rights,
                         struct rts_mapped_found *found, struct rts_error *error);

#endif
