/* SPDX-License-Identifier: Apache-2.0 */
#include "util/own_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/place.h"

static bool is_empty(int folder)
{
    RTS_CLOSE int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    bool found = !list;
    if (list)
        rts_take_fd(&fd);
    /* The third one is what mkfs makes. */
    for (struct dirent *item; !found && (item = readdir(list));)
        found = strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0 &&
                strcmp(item->d_name, "lost+found") != 0;
    if (list)
        closedir(list);
    return !found;
}

/* Whether nobody could have put anything into it, and nobody can from now on. */
static bool close_to_others(int folder, const struct stat *status)
{
    return status->st_uid == geteuid() && !(status->st_mode & S_ISVTX) && is_empty(folder) &&
           fchmod(folder, 0700) == 0 && is_empty(folder);
}

static int judge(int folder, const char *path, const char *what, struct rts_error *error)
{
    struct stat status;
    if (fstat(folder, &status) < 0)
        return rts_fail_errno(error, errno, "cannot use %s for %s", path, what);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return rts_fail(
            error, RTS_NOT_PERMITTED,
            "cannot use %s for %s: the folder belongs to another user (%u); give one of your own",
            path, what, (unsigned)status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH) && !close_to_others(folder, &status))
        return rts_fail(error, RTS_NOT_PERMITTED,
                        "cannot use %s for %s: others can write to the folder, and so plant files "
                        "in it; give one of your own, with mode 0700",
                        path, what);
    return 0;
}

static int open_in(int parent, const char *name, bool *made)
{
    *made = mkdirat(parent, name, 0700) == 0;
    /* A medium that cannot be written may have it. */
    if (!*made && errno != EEXIST && errno != EROFS && errno != EACCES)
        return -1;
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int open_at(const char *path, const char **refusal, bool *made)
{
    struct rts_place place;
    char bare[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') /* it may have to be made */
        length--;
    if (length >= sizeof bare)
        return errno = ENAMETOOLONG, -1;
    memcpy(bare, path, length);
    bare[length] = '\0';
    int result = rts_place_find(&place, bare, RTS_LINKS_OF_OURS);
    *refusal = place.refusal;
    if (result < 0)
        return -1;
    int fd = place.is_magic ? (errno = ELOOP, -1) : open_in(place.folder, place.name, made);
    int number = errno;
    rts_place_leave(&place);
    errno = number;
    return fd;
}

int rts_own_folder_open(int parent, const char *name, const char *path, const char *what,
                        struct rts_error *error)
{
    const char *refusal = NULL;
    bool made = false;
    RTS_CLOSE int fd = parent >= 0 ? open_in(parent, name, &made) : open_at(name, &refusal, &made);
    if (refusal)
        return rts_fail(error, RTS_NOT_PERMITTED, "cannot use %s for %s: %s", path, what, refusal);
    if (fd < 0)
        return rts_fail_errno(error, errno, "cannot open the folder %s for %s", path, what);
    if (judge(fd, path, what, error) < 0)
        return -1;
    if (made && parent >= 0)
        (void)!fsync(parent);
    return rts_take_fd(&fd);
}
