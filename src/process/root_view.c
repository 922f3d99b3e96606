/* SPDX-License-Identifier: Apache-2.0 */
#include "process/root_view.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/namespace_root.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whose root directory view->fd is, and in which mount namespace it is that of `pid`. */
static void compare(struct rts_root_view *view, const char *proc_root, int32_t pid)
{
    char name[320];
    struct stat its, ours;
    view->own_root = fstat(view->fd, &its) == 0 && stat("/", &ours) == 0 && same_file(&its, &ours);
    snprintf(name, sizeof name, "%s/%d/ns/mnt", proc_root, (int)pid);
    if (stat(name, &its) == 0 && stat("/proc/self/ns/mnt", &ours) == 0) {
        view->namespace = its.st_ino;
        view->our_namespace = same_file(&its, &ours);
    }
    view->own_namespace = view->our_namespace && view->own_root;
}

void rts_root_view_open(struct rts_root_view *view, const char *proc_root, int32_t pid)
{
    char name[320];
    *view = RTS_ROOT_VIEW_OURS;
    snprintf(name, sizeof name, "%s/%d/root", proc_root, (int)pid);
    view->fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (view->fd < 0)
        return;
    ssize_t size = readlink(name, view->path, sizeof view->path - 1);
    view->path[size > 0 ? size : 0] = '\0';
    compare(view, proc_root, pid);
}

void rts_root_view_open_namespace(struct rts_root_view *view, const char *proc_root, int32_t pid)
{
    *view = RTS_ROOT_VIEW_OURS;
    view->fd = rts_namespace_root_open(proc_root, pid);
    if (view->fd >= 0)
        compare(view, proc_root, pid);
}

void rts_root_view_finish(struct rts_root_view *view)
{
    if (view->fd >= 0)
        close(view->fd);
    view->fd = -1;
}

const char *rts_root_view_path(const struct rts_root_view *view, const char *path)
{
    size_t size = strlen(view->path);
    bool below = size > 1 && strncmp(path, view->path, size) == 0 && path[size] == '/';
    return below ? path + size : path;
}
