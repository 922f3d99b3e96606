/* SPDX-License-Identifier: Apache-2.0 */
#include "util/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/place.h"

/* Somebody who keeps making and removing the file must not keep us here. */
#define TRIES_MAX 8

/* Why the file is not taken; NULL: it is. */
static const char *objection(const struct rts_place *place, const struct stat *file)
{
    if (!place->is_open_to_all || place->is_magic ||
        !(S_ISREG(file->st_mode) || S_ISFIFO(file->st_mode)))
        return NULL;
    if (file->st_uid != 0 && file->st_uid != geteuid() && file->st_uid != place->folder_owner)
        return "it belongs to somebody else, and everybody may write where it lies";
    if (file->st_nlink > 1)
        return "it has another name too, and everybody may write where it lies";
    return NULL;
}

static int open_place(const struct rts_place *place, int flags)
{
    if (place->is_magic)
        return openat(place->folder, place->name, flags);
    return openat(place->folder, place->name,
                  flags | O_NOFOLLOW | (place->exists ? 0 : O_CREAT | O_EXCL), 0600);
}

/* The descriptor, or -1 with errno, and the refusal if that is the reason. */
static int open_once(const char *path, int flags, const char **refusal)
{
    struct rts_place place;
    struct stat file;
    int result = rts_place_find(&place, path, RTS_LINKS_OF_OWNERS);
    *refusal = place.refusal;
    if (result < 0)
        return -1;
    /* Before it is opened, for a FIFO may never be; and afterwards, for it may be another one. */
    if (place.exists && fstatat(place.folder, place.name, &file, AT_SYMLINK_NOFOLLOW) == 0)
        *refusal = objection(&place, &file);
    RTS_CLOSE int fd = *refusal ? -1 : open_place(&place, flags);
    int number = errno;
    rts_place_leave(&place);
    if (fd < 0)
        return errno = number, -1;
    if (fstat(fd, &file) < 0)
        return -1;
    *refusal = objection(&place, &file);
    return *refusal ? -1 : rts_take_fd(&fd);
}

int rts_output_open(const char *path, int more, const char *purpose, struct rts_error *error)
{
    int flags = O_CLOEXEC | O_NOCTTY | (more & O_RDWR ? 0 : O_WRONLY) | more;
    const char *refusal = NULL;
    int fd = open_once(path, flags, &refusal);
    /* It came or went between the two looks. */
    for (int i = 0; i < TRIES_MAX && fd < 0 && (errno == EEXIST || errno == ELOOP); i++)
        fd = open_once(path, flags, &refusal);
    if (fd >= 0)
        return fd;
    if (!refusal)
        return rts_fail_errno(error, errno, "cannot open %s for %s", path, purpose);
    return rts_fail(error, RTS_NOT_PERMITTED,
                    "cannot open %s for %s: %s; give one in a folder of your own", path, purpose,
                    refusal);
}
