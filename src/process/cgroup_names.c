/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup_names.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/cleanup.h"

#define FOLDER (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool rts_cgroup_is_kept(const struct stat *folder)
{
    struct stat space;
    if (folder->st_mode & (S_IWGRP | S_IWOTH))
        return false;
    if (folder->st_uid == 0 || folder->st_uid == geteuid())
        return true;
    /* The kernel's own files are root's of the first user namespace. */
    return stat("/proc/self/ns/user", &space) == 0 && folder->st_uid == space.st_uid;
}

static bool is_kept(int folder)
{
    struct stat status;
    return fstat(folder, &status) == 0 && rts_cgroup_is_kept(&status);
}

size_t rts_cgroup_names(int hierarchy, const char *path, size_t size)
{
    size_t done = 0;
    RTS_CLOSE int at = dup(hierarchy);
    while (done < size && at >= 0 && is_kept(at)) {
        char name[NAME_MAX + 1];
        size_t start = done;
        while (start < size && path[start] == '/')
            start++;
        const char *slash = memchr(path + start, '/', size - start);
        size_t end = slash ? (size_t)(slash - path) : size;
        if (end == start || end - start > NAME_MAX)
            return end == start ? size : done;
        memcpy(name, path + start, end - start);
        name[end - start] = '\0';
        if (strcmp(name, "..") == 0)
            return done;
        int below = openat(at, name, FOLDER);
        close(at);
        at = below;
        done = end;
    }
    return done;
}

static bool is_hierarchy(int fd, bool version_2)
{
    struct statfs system;
    return fd >= 0 && fstatfs(fd, &system) == 0 &&
           system.f_type == (__fsword_t)(version_2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

static int open_below(const char *root, const char *name, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%.*s", root, (int)size, name);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); /* "cpu" may be a link to "cpu,cpuacct" */
}

int rts_cgroup_open_hierarchy(const char *root, const char *controllers, size_t size)
{
    static const char named[] = "name=", unified[] = "unified";
    const bool version_2 = size == 0;
    if (size >= strlen(named) && memcmp(controllers, named, strlen(named)) == 0) {
        controllers += strlen(named);
        size -= strlen(named);
    }
    if (memchr(controllers, '/', size))
        return -1;
    RTS_CLOSE int fd = version_2 ? open_below(root, "", 0) : open_below(root, controllers, size);
    if (version_2 && !is_hierarchy(fd, true)) {
        RTS_CLOSE int beside = open_below(root, unified, strlen(unified));
        return is_hierarchy(beside, true) ? rts_take_fd(&beside) : -1;
    }
    return is_hierarchy(fd, version_2) ? rts_take_fd(&fd) : -1;
}
