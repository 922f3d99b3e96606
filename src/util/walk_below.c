/* SPDX-License-Identifier: Apache-2.0 */
#include "util/open_below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

/* As path_resolution(7): more links than this are a loop. */
#define LINKS_MAX 40

#define LOCATE (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct walk {
    int root_fd;
    bool public;          /* only through folders that everybody may pass */
    int at;               /* where `done` leads, O_PATH; ours unless it is root_fd */
    char done[PATH_MAX];  /* from the root to there, without links, without a leading slash */
    char ahead[PATH_MAX]; /* what is still to be walked */
    unsigned links;
};

static void move_to(struct walk *walk, int fd)
{
    if (walk->at != walk->root_fd)
        close(walk->at);
    walk->at = fd;
}

/* Cuts the first component off `rest` and returns it; NULL when there is none left. */
static char *next_component(char **rest)
{
    char *component = *rest + strspn(*rest, "/");
    if (*component == '\0')
        return NULL;
    *rest = component + strcspn(component, "/");
    if (**rest != '\0')
        *(*rest)++ = '\0';
    return component;
}

static int fail(int number)
{
    errno = number;
    return -1;
}

/* What the folder that was reached has under that name. */
static int find_in(const struct walk *walk, const char *component, int flags)
{
    struct stat status;
    if (walk->public && (fstat(walk->at, &status) < 0 || !(status.st_mode & S_IXOTH)))
        return fail(EACCES);
    return openat(walk->at, component, flags);
}

/* Goes to `done` again, from the root on. */
static int walk_done(struct walk *walk)
{
    char path[PATH_MAX];
    char *rest = path;
    snprintf(path, sizeof path, "%s", walk->done);
    move_to(walk, walk->root_fd);
    for (const char *component; (component = next_component(&rest));) {
        int fd = find_in(walk, component, LOCATE | O_DIRECTORY);
        if (fd < 0)
            return -1;
        move_to(walk, fd);
    }
    return 0;
}

/* The parent of the root is the root. */
static int walk_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');
    *(slash ? slash : walk->done) = '\0';
    return walk_done(walk);
}

/* Puts what the link `fd` says in front of what is ahead. */
static int follow(struct walk *walk, int fd, bool goes_on, const char *rest)
{
    char target[PATH_MAX], path[PATH_MAX];
    ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
    if (length < 0 || ++walk->links > LINKS_MAX)
        return length < 0 ? -1 : fail(ELOOP);
    target[length] = '\0';
    if (snprintf(path, sizeof path, "%s%s%s", target, goes_on ? "/" : "", rest) >= (int)sizeof path)
        return fail(ENAMETOOLONG);
    memcpy(walk->ahead, path, strlen(path) + 1);
    if (target[0] == '/') {
        walk->done[0] = '\0';
        move_to(walk, walk->root_fd);
    }
    return 0;
}

static int enter(struct walk *walk, const char *component, const char *rest)
{
    RTS_CLOSE int fd = find_in(walk, component, LOCATE);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -1;
    bool goes_on = rest > component + strlen(component); /* be it only by a slash */
    if (S_ISLNK(status.st_mode))
        return follow(walk, fd, goes_on, rest);
    if (goes_on && !S_ISDIR(status.st_mode))
        return fail(ENOTDIR);
    size_t length = strlen(walk->done);
    int added = snprintf(walk->done + length, sizeof walk->done - length, "%s%s", length ? "/" : "",
                         component);
    if ((size_t)added >= sizeof walk->done - length)
        return fail(ENAMETOOLONG);
    move_to(walk, rts_take_fd(&fd));
    memmove(walk->ahead, rest, strlen(rest) + 1);
    return 0;
}

static int step(struct walk *walk, const char *component, const char *rest)
{
    if (strcmp(component, ".") != 0 && strcmp(component, "..") != 0)
        return enter(walk, component, rest);
    int result = component[1] ? walk_up(walk) : 0;
    memmove(walk->ahead, rest, strlen(rest) + 1);
    return result;
}

static int walk_from(int root_fd, const char *path, bool public)
{
    struct walk walk = {.root_fd = root_fd, .at = root_fd, .public = public};
    int result = 0;
    if (path[0] == '\0')
        return fail(ENOENT);
    if (snprintf(walk.ahead, sizeof walk.ahead, "%s", path) >= (int)sizeof walk.ahead)
        return fail(ENAMETOOLONG);
    while (result == 0) {
        char *rest = walk.ahead;
        const char *component = next_component(&rest);
        if (!component)
            break;
        result = step(&walk, component, rest);
    }
    int number = errno;
    if (result == 0 && walk.at == walk.root_fd)
        return openat(root_fd, ".", O_PATH | O_CLOEXEC);
    if (result == 0)
        return walk.at;
    move_to(&walk, walk.root_fd);
    return fail(number);
}

int rts_walk_below(int root_fd, const char *path)
{
    return walk_from(root_fd, path, false);
}

int rts_walk_public_below(int root_fd, const char *path)
{
    return walk_from(root_fd, path, true);
}
