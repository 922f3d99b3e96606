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
    bool our_namespace;  /* in our own mount namespace, with whatever root directory */
    bool own_namespace;  /* our own root in it: every path means the same */
    uint64_t namespace;  /* inode of the mount namespace; 0: unknown */
    char path[PATH_MAX]; /* of the root directory, as we see it; "/" from another namespace */
};

/* Our own root directory; nothing to finish. */
#define RTS_ROOT_VIEW_OURS                                                                         \
    (struct rts_root_view)                                                                         \
    {                                                                                              \
        .fd = -1, .own_root = true, .our_namespace = true, .own_namespace = true                   \
    }

/* Looks at the process that /proc shows as `pid`. What cannot be found out counts as ours, with fd
 * -1. */
void rts_root_view_open(struct rts_root_view *view, const char *proc_root, int32_t pid);
void rts_root_view_finish(struct rts_root_view *view);

/* The same for the root of its mount namespace, where chroot(2) has left another one to the process
 * (namespace_root.h); fd -1: it cannot be had. */
void rts_root_view_open_namespace(struct rts_root_view *view, const char *proc_root, int32_t pid);

/* `path` as the process itself would write it: what /proc/PID/maps says of a process in a chroot
 * begins with the path of its root. Points into `path`. */
const char *rts_root_view_path(const struct rts_root_view *view, const char *path);

#endif
