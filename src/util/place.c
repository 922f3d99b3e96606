/* SPDX-License-Identifier: Apache-2.0 */
#include "util/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "util/cleanup.h"

/* As path_resolution(7): more links than this are a loop. */
#define LINKS_MAX 40

#define LOCATE (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct walk {
    struct rts_place *place;
    enum rts_links links;
    char ahead[PATH_MAX]; /* what is still to be walked */
    unsigned links_seen;
};

static int fail(int number)
{
    errno = number;
    return -1;
}

static int move_to(struct rts_place *place, int fd)
{
    struct stat status;
    if (fd < 0)
        return -1;
    if (place->folder >= 0)
        close(place->folder);
    place->folder = fd;
    if (fstat(fd, &status) < 0)
        return -1;
    place->is_open_to_all = (status.st_mode & S_IWOTH) != 0;
    place->folder_owner = status.st_uid;
    return 0;
}

/* A path that is absolute begins anew. */
static int begin(struct walk *walk, bool first)
{
    bool is_absolute = walk->ahead[0] == '/';
    if (!first && !is_absolute)
        return 0;
    return move_to(walk->place, open(is_absolute ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static bool may_follow(const struct walk *walk, uid_t owner)
{
    const struct rts_place *place = walk->place;
    if (owner == 0 || owner == geteuid())
        return true;
    return walk->links == RTS_LINKS_OF_OWNERS &&
           (!place->is_open_to_all || owner == place->folder_owner);
}

static bool is_in_proc(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* Puts what the link says in front of the rest. */
static int follow(struct walk *walk, int link, uid_t owner, const char *rest)
{
    char target[PATH_MAX], path[PATH_MAX];
    if (!may_follow(walk, owner)) {
        walk->place->refusal =
            walk->links == RTS_LINKS_OF_OURS
                ? "a symbolic link on the way belongs to somebody else"
                : "a symbolic link on the way belongs to somebody else, and everybody may write "
                  "where it lies";
        return fail(EACCES);
    }
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    if (length <= 0)
        return length < 0 ? -1 : fail(ENOENT);
    if (++walk->links_seen > LINKS_MAX)
        return fail(ELOOP);
    target[length] = '\0';
    if (snprintf(path, sizeof path, "%s%s", target, rest) >= (int)sizeof path)
        return fail(ENAMETOOLONG);
    memcpy(walk->ahead, path, strlen(path) + 1);
    return begin(walk, false);
}

/* Takes a component whose name is in `place`; `rest` begins with a slash or is empty. Returns 1
 * when that was the last one. */
static int take(struct walk *walk, const char *rest)
{
    struct rts_place *place = walk->place;
    bool is_last = *rest == '\0';
    RTS_CLOSE int fd = openat(place->folder, place->name, LOCATE);
    struct stat status;
    place->exists = fd >= 0;
    if (fd < 0)
        return errno == ENOENT && is_last ? 1 : -1;
    if (fstat(fd, &status) < 0)
        return -1;
    if (S_ISLNK(status.st_mode)) {
        place->is_magic = is_in_proc(fd);
        if (!place->is_magic)
            return follow(walk, fd, status.st_uid, rest);
    }
    if (is_last)
        return 1;
    if (S_ISLNK(status.st_mode)) {
        int folder = openat(place->folder, place->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (move_to(place, folder) < 0)
            return -1;
    } else if (!S_ISDIR(status.st_mode)) {
        return fail(ENOTDIR);
    } else if (move_to(place, rts_take_fd(&fd)) < 0) {
        return -1;
    }
    memmove(walk->ahead, rest, strlen(rest) + 1);
    return 0;
}

/* The next step; 1 when the place is found. */
static int step(struct walk *walk)
{
    struct rts_place *place = walk->place;
    const char *component = walk->ahead + strspn(walk->ahead, "/");
    size_t length = strcspn(component, "/");
    if (length > NAME_MAX)
        return fail(ENAMETOOLONG);
    place->is_magic = false;
    place->exists = true;
    memcpy(place->name, length ? component : ".", length ? length : 1);
    place->name[length ? length : 1] = '\0';
    return length ? take(walk, component + length) : 1;
}

int rts_place_find(struct rts_place *place, const char *path, enum rts_links links)
{
    struct walk walk = {.place = place, .links = links};
    *place = (struct rts_place){.folder = -1};
    if (!*path)
        return fail(ENOENT);
    if (snprintf(walk.ahead, sizeof walk.ahead, "%s", path) >= (int)sizeof walk.ahead)
        return fail(ENAMETOOLONG);
    int found = begin(&walk, true);
    while (found == 0)
        found = step(&walk);
    if (found > 0)
        return 0;
    int number = errno;
    rts_place_leave(place);
    return fail(number);
}

void rts_place_leave(struct rts_place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    place->folder = -1;
}
