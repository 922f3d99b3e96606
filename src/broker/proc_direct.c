/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/proc_direct.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/cleanup.h"

#define READ_ONLY (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define BLOCK     16384

static bool leads_up(const char *name)
{
    for (; *name; name += strcspn(name, "/"), name += *name == '/')
        if (strncmp(name, "..", 2) == 0 && (name[2] == '/' || name[2] == '\0'))
            return true;
    return false;
}

/* NULL, with errno, where the name leads out of the folder of the process, or is too long. */
static const char *path_of(char path[PATH_MAX], const char *root, int32_t pid, const char *name)
{
    int size = pid > 0 ? snprintf(path, PATH_MAX, "%s/%d/%s", root, (int)pid, name)
                       : snprintf(path, PATH_MAX, "%s/%s", root, name);
    if (size >= 0 && size < PATH_MAX && !leads_up(name))
        return path;
    errno = leads_up(name) ? EINVAL : ENAMETOOLONG;
    return NULL;
}

static int open_it(const char *root, int32_t pid, const char *name, int flags)
{
    char path[PATH_MAX];
    return path_of(path, root, pid, name) ? open(path, flags) : -1;
}

int rts_proc_read_direct(const char *root, int32_t pid, const char *name, size_t limit,
                         struct rts_buffer *text)
{
    char block[BLOCK];
    RTS_CLOSE int fd = open_it(root, pid, name, READ_ONLY);
    if (fd < 0)
        return -1;
    for (ssize_t count; limit > 0; limit -= (size_t)count) {
        count = read(fd, block, limit < sizeof block ? limit : sizeof block);
        if (count < 0 && errno == EINTR) {
            count = 0;
            continue;
        }
        if (count <= 0)
            return (int)count;
        rts_buffer_append(text, block, (size_t)count);
    }
    return 0;
}

static DIR *open_folder(const char *root, int32_t pid, const char *name)
{
    char path[PATH_MAX];
    return path_of(path, root, pid, name) ? opendir(path) : NULL;
}

int rts_proc_list_direct(const char *root, int32_t pid, const char *name, size_t limit,
                         struct rts_buffer *names)
{
    DIR *folder = open_folder(root, pid, name);
    size_t count = 0;
    if (!folder)
        return -1;
    for (struct dirent *entry; count < limit && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rts_buffer_append(names, entry->d_name, strlen(entry->d_name) + 1);
        count++;
    }
    closedir(folder);
    return (int)count;
}

ssize_t rts_proc_link_direct(const char *root, int32_t pid, const char *name, char *target,
                             size_t size)
{
    char path[PATH_MAX];
    ssize_t length = path_of(path, root, pid, name) ? readlink(path, target, size - 1) : -1;
    if (length >= 0)
        target[length] = '\0';
    return length;
}

int rts_proc_links_direct(const char *root, int32_t pid, const char *name, size_t limit,
                          struct rts_buffer *targets)
{
    DIR *folder = open_folder(root, pid, name);
    char target[PATH_MAX];
    size_t count = 0;
    if (!folder)
        return -1;
    for (struct dirent *entry; count < limit && (entry = readdir(folder));) {
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        if (size <= 0)
            continue;
        target[size] = '\0';
        rts_buffer_append(targets, target, strlen(target) + 1);
        count++;
    }
    closedir(folder);
    return (int)count;
}

int rts_proc_may_read_direct(const char *root, int32_t pid, const char *name)
{
    RTS_CLOSE int fd = open_it(root, pid, name, READ_ONLY);
    return fd < 0 ? -1 : 0;
}

size_t rts_proc_memory_direct(const char *root, int32_t pid, uint64_t address, void *bytes,
                              size_t size)
{
    struct iovec local = {bytes, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t copied = pid > 0 ? process_vm_readv((pid_t)pid, &local, 1, &remote, 1, 0) : -1;
    if (copied > 0)
        return (size_t)copied;
    /* Refused by a seccomp filter, or not there. */
    RTS_CLOSE int fd = open_it(root, pid, "mem", READ_ONLY);
    errno = fd < 0 ? errno : 0;
    ssize_t count = fd >= 0 ? pread(fd, bytes, size, (off_t)address) : -1;
    return count > 0 ? (size_t)count : 0;
}
