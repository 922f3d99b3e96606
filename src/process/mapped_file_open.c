/* SPDX-License-Identifier: Apache-2.0 */
#include "process/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "broker/tree_direct.h"
#include "process/maps_text.h"
#include "util/cleanup.h"
#include "util/open_below.h"

#ifndef BTRFS_SUPER_MAGIC
#define BTRFS_SUPER_MAGIC 0x9123683E
#endif

/* A target may map a file and put a FIFO or a device in its place. Opening such a thing can wait,
 * wake its other end, or start a watchdog: so first only its place is taken hold of. */
#define FIND_FLAGS (O_PATH | O_CLOEXEC)

/* Finds `path` as the root directory `root` sees it. */
static int locate_below(const char *root, const char *path)
{
    RTS_CLOSE int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return directory < 0 ? -1 : rts_locate_below(directory, path);
}

static unsigned long file_system_of(int fd)
{
    struct statfs info;
    return fstatfs(fd, &info) == 0 ? (unsigned long)info.f_type : 0;
}

/* These file systems show another device number in stat() than in maps. */
static bool device_is_unreliable(int fd)
{
    unsigned long type = file_system_of(fd);
    return type == OVERLAYFS_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC;
}

struct own_mapping {
    uintptr_t at;
    const struct rts_mapped_file *file;
    bool same;
};

static void compare_own(void *context, const struct rts_maps_line *line)
{
    struct own_mapping *own = context;
    if (line->start <= own->at && own->at < line->end)
        own->same = line->major == own->file->major && line->minor == own->file->minor &&
                    line->inode == own->file->inode;
}

/* Would the kernel call what is open here the same as the mapped file? It is mapped for a moment,
 * and none of it is read. */
static bool is_called_the_same(int fd, const struct rts_mapped_file *file)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
        return false;
    const struct rts_maps_wanted all = {.part = RTS_MAPS_ALL};
    struct rts_maps_text text = {.read = 0};
    struct own_mapping own = {.at = (uintptr_t)mapped, .file = file};
    if (rts_maps_text_read("/proc", (int32_t)getpid(), &all, &text) == 0)
        rts_maps_text_each(&text, compare_own, &own);
    rts_maps_text_finish(&text);
    munmap(mapped, size);
    return own.same;
}

static bool is_same(int fd, const struct stat *found, const struct rts_mapped_file *file,
                    enum rts_file_place place)
{
    if (found->st_ino != file->inode)
        return false;
    /* In our own tree an equal inode may be that of any file; in the process's, the path counts
     * too. */
    return found->st_dev == makedev(file->major, file->minor) ||
           (place != RTS_PLACE_OUR_ROOT && device_is_unreliable(fd));
}

/* A process that is gone has no rights any more. What it had mapped it could read, but for a file
 * that others may execute and not read. */
static bool is_execute_only(const struct stat *status)
{
    return (status->st_mode & S_IXOTH) && !(status->st_mode & S_IROTH);
}

/* Opens the candidate with these rights. */
static int open_with(int candidate, const struct stat *status, const struct rts_rights *rights,
                     bool *copied)
{
    struct rts_rights_before before = {.ids = false};
    int result = rights->gone ? is_execute_only(status) : rts_rights_take(rights, &before);
    /* Where we are not permitted to take them on we have hardly more: what others may read. */
    if (result > 0 && !(status->st_mode & S_IROTH)) {
        errno = EACCES;
        return -1;
    }
    int fd = rts_file_open_located(candidate, copied), number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
}

/* Opens what the O_PATH descriptor `candidate` stands for if it is the mapped file, and closes
 * `candidate`. Returns an fd, or -1 (errno: ESTALE when it is something else). */
static int open_if_same(int candidate, const struct rts_mapped_file *file,
                        enum rts_file_place place, const struct rts_rights *rights,
                        struct rts_mapped_found *found)
{
    RTS_CLOSE int found_at = candidate;
    struct stat status;
    /* An overlay is one tree, in which device, inode and path together mean one file. (On btrfs
     * they do not: a snapshot has the same ones.) */
    bool must_map = file->has_identity && place == RTS_PLACE_OUR_ROOT &&
                    file_system_of(found_at) == OVERLAYFS_SUPER_MAGIC;
    if (fstat(found_at, &status) < 0 || !S_ISREG(status.st_mode) ||
        (file->has_identity && !must_map && !is_same(found_at, &status, file, place))) {
        errno = ESTALE;
        return -1;
    }
    found->verified = file->has_identity;
    rts_file_status_take(&found->status, &status);
    RTS_CLOSE int fd = open_with(found_at, &status, rights, &found->copied);
    if (fd >= 0 && must_map && !is_called_the_same(fd, file)) {
        errno = ESTALE;
        return -1;
    }
    return rts_take_fd(&fd);
}

/* The same with the process's rights. */
static int find_with(const struct rts_rights *rights, const char *root, const char *path)
{
    struct rts_rights_before before;
    rts_rights_take(rights, &before);
    int fd = root ? locate_below(root, path) : open(path, FIND_FLAGS), number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
}

/* /proc/PID/map_files leads to the mapped file itself. Its links are named by whole mappings, so a
 * mapping that we know only in part is not found there. */
static int open_map_file(const char *proc_root, int32_t view, const struct rts_mapping *mapping)
{
    char path[320];
    struct rts_rights_before before;
    snprintf(path, sizeof path, "%s/%d/map_files/%" PRIx64 "-%" PRIx64, proc_root, (int)view,
             mapping->start, mapping->end);
    rts_rights_search(&before);
    int fd = open(path, FIND_FLAGS), number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
}

int rts_mapped_file_open(const char *proc_root, int32_t view, const struct rts_mapping *mapping,
                         enum rts_file_place place, const struct rts_rights *rights,
                         struct rts_mapped_found *found, struct rts_error *error)
{
    const struct rts_mapped_file *file = mapping->file;
    bool by_path = place == RTS_PLACE_ITS_ROOT || place == RTS_PLACE_OUR_ROOT;
    char link[320];
    int fd = -1;
    if (by_path && file->path[0] != '/')
        return rts_fail(error, RTS_FAILED, "\"%s\" is not a path", file->path);
    switch (place) {
    case RTS_PLACE_MAP_FILES: fd = open_map_file(proc_root, view, mapping); break;
    case RTS_PLACE_EXE:
        snprintf(link, sizeof link, "%s/%d/exe", proc_root, (int)view);
        fd = open(link, FIND_FLAGS);
        break;
    case RTS_PLACE_ITS_ROOT:
        snprintf(link, sizeof link, "%s/%d/root", proc_root, (int)view);
        fd = find_with(rights, link, file->path);
        break;
    default: fd = find_with(rights, NULL, file->path);
    }
    if (fd >= 0)
        fd = open_if_same(fd, file, place, rights, found);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot open the mapped file %s", file->path);
    return fd;
}
