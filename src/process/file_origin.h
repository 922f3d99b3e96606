/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which file trees a mapped file lies. A process that calls chroot(2) after it mapped its files
 * has another root directory by then; so a tree counts when the path leads to the very file there:
 * device and inode are the proof. Looked at are the tree of the process, of its ancestors, our own,
 * and that of its mount namespace.
 */
#ifndef RTS_PROCESS_FILE_ORIGIN_H
#define RTS_PROCESS_FILE_ORIGIN_H

#include <stddef.h>

#include "broker/tree.h"
#include "process/mapping.h"
#include "process/root_view.h"

/* Its own, and ours where that has the file too: a bind mount. */
#define RTS_FILE_ORIGINS_MAX 2

struct rts_file_origin {
    struct rts_root_view view; /* owned by the set */
    const char *path;          /* of the file below the root directory; points into the mapping's */
    bool certain;              /* what happened at that path since says something about the file:
                                  true of the process's own tree, false where all that is known is
                                  that it has the file now, or could not be looked at */
};

struct rts_file_origins {
    struct rts_file_origin items[RTS_FILE_ORIGINS_MAX]; /* the nearest to the process first */
    size_t count;                                       /* 1 at least */
};

/* Looks where the file of `mapping` lies for the process that /proc shows as
 * `pid`. `file` is what stat(2) said of it. A file that is in no tree any more counts as of the one
 * that it was mapped from as far as the kernel's path for it tells, else of the process's own. */
void rts_file_origins_find(struct rts_file_origins *origins, const char *proc_root, int32_t pid,
                           const struct rts_mapping *mapping, const struct rts_file_status *file);
void rts_file_origins_finish(struct rts_file_origins *origins);

#endif
