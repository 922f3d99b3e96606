/* SPDX-License-Identifier: Apache-2.0 */
#include "process/file_origin.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/namespace_root.h"
#include "process/stat.h"
#include "util/cleanup.h"
#include "util/open_below.h"

/* A daemon has one or two ancestors; who makes more of them has only itself to blame. */
#define ANCESTORS_MAX 8

/* The file that is looked for. */
struct search {
    const char *proc_root;
    int32_t pid;
    const struct rts_mapping *mapping;
    struct rts_file_status status;
    struct rts_rights rights; /* of the process */
};

static bool is_in_place(const struct rts_root_view *view, const char *path,
                        const struct search *search)
{
    struct stat found;
    struct rts_rights_before before;
    rts_rights_take(&search->rights, &before);
    RTS_CLOSE int fd =
        view->fd < 0 ? open(path, O_PATH | O_CLOEXEC) : rts_locate_below(view->fd, path);
    rts_rights_give_back(&before);
    return fd >= 0 && fstat(fd, &found) == 0 && found.st_dev == search->status.device &&
           found.st_ino == search->status.inode;
}

/* Takes the view over. */
static void add(struct rts_file_origins *origins, const struct rts_root_view *view,
                const char *path, bool certain)
{
    struct rts_file_origin *origin = &origins->items[origins->count++];
    origin->view = *view;
    origin->path = rts_root_view_path(&origin->view, path);
    origin->certain = certain;
}

/* Takes the view over, or finishes it. */
static bool add_if_in_place(struct rts_file_origins *origins, const struct search *search,
                            struct rts_root_view *view)
{
    const char *path = search->mapping->file->path;
    bool found = is_in_place(view, rts_root_view_path(view, path), search);
    if (found)
        add(origins, view, path, false);
    else
        rts_root_view_finish(view);
    return found;
}

static bool ask_ancestors(struct rts_file_origins *origins, const struct search *search)
{
    const struct rts_proc proc = {.root = search->proc_root};
    struct rts_process_stat stat;
    int32_t pid = search->pid;
    for (int i = 0; i < ANCESTORS_MAX; i++) {
        if (rts_process_stat_read(&proc, pid, &stat) < 0 || stat.parent <= 0)
            return false;
        pid = stat.parent;
        struct rts_root_view view;
        rts_root_view_open(&view, search->proc_root, pid);
        if (view.fd >= 0 && add_if_in_place(origins, search, &view))
            return true;
    }
    return false;
}

static bool ask_namespace(struct rts_file_origins *origins, const struct search *search)
{
    struct rts_root_view view;
    rts_root_view_open_namespace(&view, search->proc_root, search->pid);
    return view.fd >= 0 && add_if_in_place(origins, search, &view);
}

static bool ask_ours(struct rts_file_origins *origins, const struct search *search)
{
    struct rts_root_view ours = RTS_ROOT_VIEW_OURS;
    return add_if_in_place(origins, search, &ours);
}

/* Is the file, which is nowhere any more, known to be from outside of the process's root directory?
 * The kernel tells us its path as we see it, where we see it at all. */
static bool is_from_outside(const struct search *search, const struct rts_root_view *view)
{
    char name[320], path[PATH_MAX];
    if (!view->our_namespace)
        return false;
    snprintf(name, sizeof name, "%s/%d/map_files/%" PRIx64 "-%" PRIx64, search->proc_root,
             (int)search->pid, search->mapping->start, search->mapping->end);
    struct rts_rights_before before;
    rts_rights_search(&before);
    ssize_t size = readlink(name, path, sizeof path - 1);
    rts_rights_give_back(&before);
    if (size <= 0)
        return false;
    path[size] = '\0';
    return path[0] == '/' && rts_root_view_path(view, path) == path;
}

/* A process of another mount namespace may be in a chroot whose directory we have at the same
 * place: a container that was made of a folder. Then the file is of that tree, as we see it: what
 * the process mounted over it for itself does not count. Returns false when it is not so. */
static bool add_folder(struct rts_file_origins *origins, const struct search *search,
                       const struct rts_root_view *own)
{
    const char *path = search->mapping->file->path;
    struct rts_root_view view = RTS_ROOT_VIEW_OURS;
    struct stat its, ours, space;
    if (own->fd < 0 || rts_root_view_path(own, path) == path)
        return false;
    struct rts_rights_before before;
    rts_rights_search(&before);
    RTS_CLOSE int fd = open(own->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rts_rights_give_back(&before);
    if (fd < 0 || fstat(fd, &ours) < 0 || fstat(own->fd, &its) < 0 ||
        stat("/proc/self/ns/mnt", &space) < 0 || ours.st_dev != its.st_dev ||
        ours.st_ino != its.st_ino)
        return false;
    view.fd = rts_take_fd(&fd);
    view.own_root = view.own_namespace = false;
    view.namespace = space.st_ino;
    memcpy(view.path, own->path, strlen(own->path) + 1);
    add(origins, &view, path, true);
    return true;
}

void rts_file_origins_find(struct rts_file_origins *origins, const char *proc_root, int32_t pid,
                           const struct rts_mapping *mapping, const struct rts_file_status *file)
{
    struct search search = {
        .proc_root = proc_root, .pid = pid, .mapping = mapping, .status = *file};
    struct rts_root_view own;
    const char *path = mapping->file->path;
    origins->count = 0;
    rts_rights_read(proc_root, pid, &search.rights);
    rts_root_view_open(&own, proc_root, pid);
    if (own.own_namespace || path[0] != '/') {
        add(origins, &own, path, own.fd >= 0);
        return;
    }
    /* What our own root has at that path is described as we see it, whoever was met first. (In a
     * chroot of our own mount namespace the path is one of ours in any case, and tells nothing.) */
    if (!own.our_namespace && ask_ours(origins, &search)) {
        struct rts_file_origins folder = {.count = 0};
        if (add_folder(&folder, &search, &own))
            *origins = folder;
        origins->items[0].path = rts_root_view_path(&origins->items[0].view, path);
        origins->items[0].certain = true;
        rts_root_view_finish(&own);
        return;
    }
    bool in_own = is_in_place(&own, rts_root_view_path(&own, path), &search);
    if (in_own)
        add(origins, &own, path, true);
    else
        ask_ancestors(origins, &search);
    /* An ancestor may have our root. */
    if (own.our_namespace && (origins->count == 0 || !origins->items[0].view.own_namespace))
        ask_ours(origins, &search);
    if (origins->count == 0)
        ask_namespace(origins, &search);
    if (in_own)
        return;
    if (origins->count == 0 && !is_from_outside(&search, &own)) {
        add(origins, &own, path, true);
        return;
    }
    if (origins->count == 0) {
        const struct rts_root_view ours = RTS_ROOT_VIEW_OURS;
        add(origins, &ours, path, true);
    }
    rts_root_view_finish(&own);
}

void rts_file_origins_finish(struct rts_file_origins *origins)
{
    for (size_t i = 0; i < origins->count; i++)
        rts_root_view_finish(&origins->items[i].view);
    origins->count = 0;
}
