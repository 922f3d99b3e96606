/* SPDX-License-Identifier: Apache-2.0 */
/* The file tree as a process sees it: its root directory, in its mount namespace. */
#ifndef RTS_PROCESS_ROOT_VIEW_H
#define RTS_PROCESS_ROOT_VIEW_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct rts_root_view {
    int fd;              /* owned, O_PATH; -1: it could not be opened */
    bool own_root;       /* the very directory that is our own root */
    bool own_namespace;  /* and in our own mount namespace: every path means the same */
    uint64_t namespace;  /* inode of the mount namespace; 0: unknown */
    char path[PATH_MAX]; /* of the root directory, as we see it; "/" from another namespace */
};

/* Looks at the process that /proc shows as `pid`. What cannot be found out counts as ours, with fd
 * -1. */
void rts_root_view_open(struct rts_root_view *view, const char *proc_root, int32_t pid);
void rts_root_view_finish(struct rts_root_view *view);

/* `path` as the process itself would write it: what /proc/PID/maps says of a process in a chroot
 * begins with the path of its root. Points into `path`. */
const char *rts_root_view_path(const struct rts_root_view *view, const char *path);

#endif
