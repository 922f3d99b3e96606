/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tree_direct.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/file_system.h"
#include "broker/sealed_copy.h"
#include "util/cleanup.h"
#include "util/open_below.h"

#define LOCATE (O_PATH | O_CLOEXEC)

/* In our own root the kernel finds the way; for somebody else no link of /proc to what others have
 * open or have as their root is followed, which we may pass by and he may not. */
static int locate(const struct rts_tree *tree, const char *path)
{
    if (tree->root_fd < 0 && !tree->rights.foreign)
        return open(path, LOCATE);
    if (tree->root_fd >= 0)
        return rts_locate_below(tree->root_fd, path);
    RTS_CLOSE int root = open("/", LOCATE | O_DIRECTORY);
    return root < 0 ? -1 : rts_locate_below(root, path);
}

static int open_again(int located, int flags)
{
    char link[sizeof "/proc/self/fd/" + 3 * sizeof located];
    snprintf(link, sizeof link, "/proc/self/fd/%d", located);
    return open(link, flags);
}

static int fail(int number)
{
    errno = number;
    return -1;
}

int rts_file_open_located(int located, bool *copied)
{
    struct stat status;
    *copied = false;
    if (fstat(located, &status) < 0)
        return -1;
    enum rts_file_system system = rts_file_system_of(located);
    if (!S_ISREG(status.st_mode) || system == RTS_FILE_SYSTEM_DOORS)
        return fail(EBADF);
    RTS_CLOSE int fd = open_again(located, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || system == RTS_FILE_SYSTEM_LOCAL)
        return rts_take_fd(&fd);
    if ((uint64_t)status.st_size > RTS_SEALED_COPY_MAX)
        return fail(EFBIG);
    *copied = true;
    return rts_sealed_copy(fd, RTS_SEALED_COPY_MAX);
}

static int open_it(const struct rts_tree *tree, const char *path)
{
    bool copied;
    RTS_CLOSE int located = locate(tree, path);
    return located < 0 ? -1 : rts_file_open_located(located, &copied);
}

int rts_tree_open_direct(const struct rts_tree *tree, const char *path)
{
    if (rts_rights_take(&tree->rights) < 0)
        return -1;
    int fd = open_it(tree, path), number = errno;
    rts_rights_give_back(&tree->rights);
    errno = number;
    return fd;
}

void rts_file_status_take(struct rts_file_status *status, const struct stat *from)
{
    const int64_t second = 1000000000;
    *status = (struct rts_file_status){
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = (uint64_t)from->st_size,
        .modified_ns = from->st_mtim.tv_sec * second + from->st_mtim.tv_nsec,
        .changed_ns = from->st_ctim.tv_sec * second + from->st_ctim.tv_nsec,
        .mode = from->st_mode,
        .links = (uint32_t)from->st_nlink,
    };
}

int rts_tree_status_direct(const struct rts_tree *tree, const char *path,
                           struct rts_file_status *status)
{
    struct stat found;
    if (rts_rights_take(&tree->rights) < 0)
        return -1;
    RTS_CLOSE int located = locate(tree, path);
    int result = located < 0 ? -1 : fstat(located, &found), number = errno;
    rts_rights_give_back(&tree->rights);
    if (result < 0)
        return fail(number);
    rts_file_status_take(status, &found);
    return 0;
}

static DIR *open_directory(const struct rts_tree *tree, const char *path)
{
    RTS_CLOSE int located = locate(tree, path);
    if (located < 0)
        return NULL;
    if (rts_file_system_of(located) == RTS_FILE_SYSTEM_DOORS) {
        errno = EBADF;
        return NULL;
    }
    RTS_CLOSE int fd = open_again(located, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory)
        rts_take_fd(&fd);
    return directory;
}

static bool is_itself(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int rts_tree_list_direct(const struct rts_tree *tree, const char *path, size_t limit,
                         struct rts_buffer *names)
{
    if (rts_rights_take(&tree->rights) < 0)
        return -1;
    DIR *directory = open_directory(tree, path);
    int number = errno;
    rts_rights_give_back(&tree->rights);
    if (!directory)
        return fail(number);
    size_t count = 0;
    for (struct dirent *entry; count < limit && (entry = readdir(directory));) {
        if (is_itself(entry->d_name))
            continue;
        rts_buffer_append(names, entry->d_name, strlen(entry->d_name) + 1);
        count++;
    }
    closedir(directory);
    return (int)count;
}
