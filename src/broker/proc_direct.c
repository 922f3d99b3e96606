/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/proc_direct.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/folder.h"
#include "broker/rights.h"
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

/* What its own user alone may look into. No link is followed on the way there. */
static bool is_private(const char *name)
{
    return strcmp(name, "fd") == 0 || strcmp(name, "mem") == 0;
}

static int open_it(const char *root, int32_t pid, const char *name, int flags)
{
    char path[PATH_MAX];
    struct rts_rights_before before;
    if (!path_of(path, root, pid, name))
        return -1;
    int fd = open(path, flags);
    if (fd >= 0 || errno != EACCES || pid <= 0 || !is_private(name))
        return fd;
    rts_rights_search(&before);
    fd = open(path, flags | O_NOFOLLOW);
    int number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
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
    RTS_CLOSE int fd = open_it(root, pid, name, READ_ONLY | O_DIRECTORY);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder)
        rts_take_fd(&fd);
    return folder;
}

int rts_proc_list_direct(const char *root, int32_t pid, const char *name, size_t limit,
                         struct rts_buffer *names)
{
    return rts_folder_list(open_folder(root, pid, name), RTS_FOLDER_NAMES, limit, names);
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
    return rts_folder_list(open_folder(root, pid, name), RTS_FOLDER_LINKS, limit, targets);
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
