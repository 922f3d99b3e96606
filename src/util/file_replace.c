/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/place.h"

/* Of names for the temporary file, each one of 2^30. */
#define TRIES_MAX 16

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

static int fill_and_rename(const struct rts_place *place, int fd, const char *temporary,
                           const void *bytes, size_t size, mode_t mode,
                           enum rts_durability durability)
{
    if (write_all(fd, bytes, size) < 0 || fchmod(fd, mode) < 0)
        return -1;
    if (durability == RTS_DURABLE && fsync(fd) < 0)
        return -1;
    return renameat(place->folder, temporary, place->folder, place->name);
}

/* Makes a file beside the place; its name is in `temporary`. */
static int create_beside(const struct rts_place *place, char temporary[NAME_MAX + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[6];
    for (int i = 0; i < TRIES_MAX; i++) {
        char ending[sizeof random + 1] = "";
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        for (size_t j = 0; j < sizeof random; j++)
            ending[j] = letters[random[j] % 32];
        if (snprintf(temporary, NAME_MAX + 1, ".%s.%s", place->name, ending) > NAME_MAX)
            return errno = ENAMETOOLONG, -1;
        int fd = openat(place->folder, temporary,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* A rename is on disk when the folder is. */
static int sync_folder(const struct rts_place *place)
{
    RTS_CLOSE int fd = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int replace(const struct rts_place *place, const char *path, const void *bytes, size_t size,
                   mode_t mode, enum rts_durability durability, struct rts_error *error)
{
    char temporary[NAME_MAX + 1];
    struct stat file;
    bool is_there = fstatat(place->folder, place->name, &file, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && S_ISDIR(file.st_mode))
        return rts_fail_errno(error, EISDIR, "cannot replace %s", path);
    if (is_there && !S_ISREG(file.st_mode))
        return rts_fail(error, RTS_FAILED, "cannot replace %s: it is not a regular file", path);
    RTS_CLOSE int fd = create_beside(place, temporary);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot create a file beside %s", path);
    if (fill_and_rename(place, fd, temporary, bytes, size, mode, durability) < 0) {
        int number = errno;
        unlinkat(place->folder, temporary, 0);
        return rts_fail_errno(error, number, "cannot replace %s", path);
    }
    if (durability == RTS_DURABLE && sync_folder(place) < 0)
        return rts_fail_errno(error, errno, "cannot have the folder of %s written to the disk",
                              path);
    return 0;
}

int rts_file_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                     enum rts_durability durability, struct rts_error *error)
{
    struct rts_place place;
    int result = rts_place_find(&place, path, RTS_LINKS_OF_OWNERS);
    if (place.refusal)
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot replace %s: %s; give one in a folder of your own", path,
                        place.refusal);
    if (result < 0)
        return rts_fail_errno(error, errno, "cannot replace %s", path);
    result = replace(&place, path, bytes, size, mode, durability, error);
    rts_place_leave(&place);
    return result;
}
