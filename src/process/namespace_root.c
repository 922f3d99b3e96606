/* SPDX-License-Identifier: Apache-2.0 */
#include "process/namespace_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/rights.h"
#include "util/cleanup.h"

/* Folders above each other: a path of PATH_MAX bytes has half as many. */
#define DEPTH_MAX 2048

/* A folder that looks like its parent is the root, or one that is mounted upon a child of its own:
 * so many times in a row it is the root. */
#define SAME_TIMES 2

#define FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)

static bool same_folder(int left, int right)
{
    struct stat a, b;
    return fstat(left, &a) == 0 && fstat(right, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* The parent of a root directory that chroot(2) has set is its parent nevertheless for everybody
 * who has another one. Takes the descriptor. */
static int climb(int folder)
{
    RTS_CLOSE int at = folder;
    for (int depth = 0, same = 0; depth < DEPTH_MAX && same < SAME_TIMES; depth++) {
        int above = openat(at, "..", FOLDER);
        if (above < 0)
            return -1;
        same = same_folder(at, above) ? same + 1 : 0;
        close(at);
        at = above;
    }
    return rts_take_fd(&at);
}

int rts_namespace_root_open(const char *proc_root, int32_t pid)
{
    char name[320];
    struct rts_rights_before before;
    snprintf(name, sizeof name, "%s/%d/root", proc_root, (int)pid);
    int fd = open(name, FOLDER);
    if (fd < 0)
        return -1;
    rts_rights_search(&before);
    fd = climb(fd);
    int number = errno;
    rts_rights_give_back(&before);
    errno = number;
    return fd;
}
