/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/spool_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/own_folder.h"

/* Files of one name that are moved to the same place; more of them stay where they are. */
#define SAME_NAME_MAX 1000

#define LOCK_NAME "lock"

int rts_spool_directory_open(int parent, const char *name, const char *path,
                             struct rts_error *error)
{
    return rts_own_folder_open(parent, name, path, "the spool", error);
}

void rts_spool_directory_close_to_others(int directory)
{
    struct stat status;
    if (fstat(directory, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 077)
        (void)!fchmod(directory, 0700);
}

int rts_spool_directory_lock(int directory, const char *path, struct rts_error *error)
{
    RTS_CLOSE int fd =
        openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    /* Nobody changes anything on a medium that cannot be written, and a directory can be locked. */
    if (fd < 0 && errno == EROFS)
        fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot open %s/" LOCK_NAME, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? rts_fail(error, RTS_FAILED,
                              "the spool %s is in use by another rtsample: give each its own", path)
                   : rts_fail_errno(error, errno, "cannot lock the spool %s", path);
    return rts_take_fd(&fd);
}

/* 0, or an errno. */
static int write_all(int fd, const struct rts_buffer *bytes)
{
    size_t done = 0;
    while (done < bytes->size) {
        ssize_t written = write(fd, bytes->data + done, bytes->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : ENOSPC;
        done += (size_t)written;
    }
    return 0;
}

static int write_temporary(int directory, const char *temporary, const struct rts_buffer *head,
                           const struct rts_buffer *body)
{
    unlinkat(directory, temporary, 0);
    int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    int failure = write_all(fd, head);
    if (!failure)
        failure = write_all(fd, body);
    if (!failure && fsync(fd) != 0)
        failure = errno;
    if (close(fd) != 0 && !failure)
        failure = errno;
    return failure;
}

int rts_spool_directory_write(int directory, const char *name, const struct rts_buffer *head,
                              const struct rts_buffer *body, struct rts_error *error)
{
    char temporary[NAME_MAX + 1];
    if (snprintf(temporary, sizeof temporary, RTS_SPOOL_TEMPORARY "%s", name) >=
        (int)sizeof temporary)
        return rts_fail_errno(error, ENAMETOOLONG, "cannot write %s", name);
    int failure = write_temporary(directory, temporary, head, body);
    if (!failure && renameat(directory, temporary, directory, name) != 0)
        failure = errno;
    if (failure) {
        unlinkat(directory, temporary, 0);
        return rts_fail_errno(error, failure, "cannot write to the spool");
    }
    /* The file is there and whole; that its name may not outlast a power cut makes it no less. */
    (void)!fsync(directory);
    return 0;
}

static int read_all(int fd, size_t size, struct rts_buffer *out)
{
    char piece[65536];
    while (size > 0) {
        ssize_t taken = read(fd, piece, size < sizeof piece ? size : sizeof piece);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return errno;
        if (taken == 0)
            break;
        rts_buffer_append(out, piece, (size_t)taken);
        size -= (size_t)taken;
    }
    return 0;
}

int rts_spool_directory_read(int directory, const char *name, size_t size_max,
                             struct rts_buffer *out, struct rts_error *error)
{
    struct stat status;
    RTS_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return rts_fail_errno(error, errno, "it cannot be opened");
    if (!S_ISREG(status.st_mode) || (uintmax_t)status.st_size > size_max)
        return rts_fail(error, RTS_FAILED, "it is %s",
                        S_ISREG(status.st_mode) ? "too large" : "not a regular file");
    /* From before the directory was closed to others. */
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return rts_fail(error, RTS_FAILED, "it belongs to another user (%u)",
                        (unsigned)status.st_uid);
    int failure = read_all(fd, (size_t)status.st_size, out);
    return failure ? rts_fail_errno(error, failure, "it cannot be read") : 0;
}

int rts_spool_directory_move(int from, const char *name, int to, struct rts_error *error)
{
    char target[NAME_MAX + 16];
    struct stat status;
    snprintf(target, sizeof target, "%s", name);
    /* We are the only owner of both, so looking first is enough. */
    for (int i = 1; fstatat(to, target, &status, AT_SYMLINK_NOFOLLOW) == 0; i++) {
        if (i > SAME_NAME_MAX)
            return rts_fail(error, RTS_FAILED, "there are too many of that name");
        snprintf(target, sizeof target, "%.*s.%d", NAME_MAX - 8, name, i);
    }
    if (renameat(from, name, to, target) != 0)
        return rts_fail_errno(error, errno, "it cannot be moved");
    (void)!fsync(to);
    (void)!fsync(from);
    return 0;
}
