/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/open_below.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

#define LOCATE  (O_PATH | O_CLOEXEC)
#define CONTENT (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* As in <linux/openat2.h>, which older headers lack. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NO_MAGICLINKS 0x02
#define IN_ROOT       0x10

struct how {
    __u64 flags;
    __u64 mode;
    __u64 resolve;
};

static bool is_own_root(int root_fd)
{
    struct stat theirs, ours;
    return fstat(root_fd, &theirs) == 0 && stat("/", &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

static int open_confined(int root_fd, const char *path)
{
    struct how how = {.flags = LOCATE, .resolve = IN_ROOT | NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
    /* Seccomp filters that do not know the call answer EPERM. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM) && is_own_root(root_fd))
        return open(path, LOCATE);
    return (int)fd;
}

int rts_open_below(int root_fd, const char *path)
{
    /* Opening a device can have effects: so the file is only located first, then looked at. */
    RTS_CLOSE int located = root_fd < 0 ? open(path, LOCATE) : open_confined(root_fd, path);
    struct stat status;
    if (located < 0 || fstat(located, &status) < 0 || !S_ISREG(status.st_mode))
        return -1;
    char link[sizeof "/proc/self/fd/" + 3 * sizeof located];
    snprintf(link, sizeof link, "/proc/self/fd/%d", located);
    return open(link, CONTENT);
}
