/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = EIO;
        if (written <= 0)
            return -1;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

/* A rename is on disk when the folder is. */
static int sync_folder(const char *folder)
{
    RTS_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

/* Where the content goes: the target of a symbolic link, or the path itself; the caller frees it.
 * NULL with errno set when that is no place for a file. */
static char *target_of(const char *path)
{
    struct stat file;
    if (stat(path, &file) < 0)
        return errno == ENOENT ? strdup(path) : NULL;
    if (!S_ISREG(file.st_mode)) {
        errno = S_ISDIR(file.st_mode) ? EISDIR : EINVAL;
        return NULL;
    }
    return realpath(path, NULL);
}

static int fill_and_rename(int fd, const char *temporary, const char *target, const void *bytes,
                           size_t size, mode_t mode, enum rts_durability durability)
{
    if (write_all(fd, bytes, size) < 0 || fchmod(fd, mode) < 0)
        return -1;
    if (durability == RTS_DURABLE && fsync(fd) < 0)
        return -1;
    return rename(temporary, target);
}

int rts_file_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                     enum rts_durability durability, struct rts_error *error)
{
    RTS_FREE char *target = target_of(path);
    if (!target && errno == EINVAL)
        return rts_fail(error, RTS_FAILED, "cannot replace %s: it is not a regular file", path);
    if (!target)
        return rts_fail_errno(error, errno, "cannot replace %s", path);
    const char *slash = strrchr(target, '/');
    int folder_length = slash ? (int)(slash - target) + 1 : 0;
    RTS_FREE char *temporary = NULL;
    RTS_FREE char *folder = NULL;
    if (asprintf(&temporary, "%.*s.%s.XXXXXX", folder_length, target, target + folder_length) < 0)
        return temporary = NULL, rts_fail_errno(error, ENOMEM, "cannot replace %s", path);
    if (asprintf(&folder, "%.*s", slash ? folder_length : 1, slash ? target : ".") < 0)
        return folder = NULL, rts_fail_errno(error, ENOMEM, "cannot replace %s", path);

    RTS_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot create a file beside %s", path);
    if (fill_and_rename(fd, temporary, target, bytes, size, mode, durability) < 0) {
        int number = errno;
        unlink(temporary);
        return rts_fail_errno(error, number, "cannot replace %s", path);
    }
    if (durability == RTS_DURABLE && sync_folder(folder) < 0)
        return rts_fail_errno(error, errno, "cannot have %s written to the disk", folder);
    return 0;
}
