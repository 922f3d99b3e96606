/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tree_direct.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/file_system.h"
#include "broker/folder.h"
#include "broker/sealed_copy.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/open_below.h"

#define LOCATE (O_PATH | O_CLOEXEC)

/* In our own root the kernel finds the way; for somebody else no link of /proc to what others have
 * open or have as their root is followed, which we may pass by and they may not. */
static int locate_with(const struct rts_tree *tree, const char *path,
                       int (*below)(int root_fd, const char *path))
{
    if (tree->root_fd >= 0)
        return below(tree->root_fd, path);
    RTS_CLOSE int root = open("/", LOCATE | O_DIRECTORY);
    return root < 0 ? -1 : below(root, path);
}

static bool is_open_to_all(int located)
{
    struct stat status;
    return fstat(located, &status) == 0 && (status.st_mode & S_IROTH);
}

/* Where the rights could not be taken on, `by_mode`, everybody may reach what is found; and read
 * it, if it is to be read. */
static int locate(const struct rts_tree *tree, const char *path, bool by_mode, bool to_read)
{
    if (!tree->rights.foreign && tree->root_fd < 0)
        return open(path, LOCATE);
    RTS_CLOSE int located =
        locate_with(tree, path, by_mode ? rts_walk_public_below : rts_locate_below);
    if (located < 0 || !by_mode || !to_read || is_open_to_all(located))
        return rts_take_fd(&located);
    errno = EACCES;
    return -1;
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

static int open_it(const struct rts_tree *tree, const char *path, bool by_mode)
{
    bool copied;
    RTS_CLOSE int located = locate(tree, path, by_mode, true);
    return located < 0 ? -1 : rts_file_open_located(located, &copied);
}

int rts_tree_open_direct(const struct rts_tree *tree, const char *path)
{
    struct rts_rights_before before;
    bool by_mode = rts_rights_take(&tree->rights, &before) > 0;
    int fd = open_it(tree, path, by_mode), number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
}

size_t rts_tree_open_each_direct(const struct rts_tree *tree, const char *folder,
                                 const char *const *names, size_t count, int *fds)
{
    size_t opened = 0;
    char path[PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        fds[i] = -1;
        if (snprintf(path, sizeof path, "%s/%s", folder, names[i]) < (int)sizeof path)
            fds[i] = rts_tree_open_direct(tree, path);
        opened += fds[i] >= 0;
    }
    return opened;
}

void rts_file_status_take(struct rts_file_status *status, const struct stat *from)
{
    *status = (struct rts_file_status){
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = (uint64_t)from->st_size,
        .modified_ns = rts_timespec_ns(from->st_mtim),
        .changed_ns = rts_timespec_ns(from->st_ctim),
        .mode = from->st_mode,
        .links = (uint32_t)from->st_nlink,
    };
}

int rts_tree_status_direct(const struct rts_tree *tree, const char *path,
                           struct rts_file_status *status)
{
    struct stat found;
    struct rts_rights_before before;
    bool by_mode = rts_rights_take(&tree->rights, &before) > 0;
    RTS_CLOSE int located = locate(tree, path, by_mode, false);
    int result = located < 0 ? -1 : fstat(located, &found), number = errno;
    rts_rights_give_back(&before);
    if (result < 0)
        return fail(number);
    rts_file_status_take(status, &found);
    return 0;
}

static DIR *open_directory(const struct rts_tree *tree, const char *path, bool by_mode)
{
    RTS_CLOSE int located = locate(tree, path, by_mode, true);
    if (located < 0)
        return NULL;
    if (rts_file_system_of(located) == RTS_FILE_SYSTEM_DOORS) {
        errno = EACCES;
        return NULL;
    }
    RTS_CLOSE int fd = open_again(located, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory)
        rts_take_fd(&fd);
    return directory;
}

int rts_tree_list_direct(const struct rts_tree *tree, const char *path, size_t limit,
                         struct rts_buffer *names)
{
    struct rts_rights_before before;
    bool by_mode = rts_rights_take(&tree->rights, &before) > 0;
    DIR *directory = open_directory(tree, path, by_mode);
    int number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return rts_folder_list(directory, RTS_FOLDER_NAMES, limit, names);
}
