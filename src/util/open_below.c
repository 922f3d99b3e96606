/* SPDX-License-Identifier: Apache-2.0 */
#include "util/open_below.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
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

int rts_locate_below(int root_fd, const char *path)
{
    struct how how = {.flags = LOCATE, .resolve = IN_ROOT | NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
    /* Seccomp filters that do not know the call answer EPERM. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return rts_walk_below(root_fd, path);
    return fd;
}

static int locate(int root_fd, const char *path)
{
    return root_fd < 0 ? open(path, LOCATE) : rts_locate_below(root_fd, path);
}

static int open_located(int located, int flags)
{
    char link[sizeof "/proc/self/fd/" + 3 * sizeof located];
    snprintf(link, sizeof link, "/proc/self/fd/%d", located);
    return open(link, flags);
}

int rts_open_below(int root_fd, const char *path)
{
    /* Opening a device can have effects: so the file is only located first, then looked at. */
    RTS_CLOSE int located = locate(root_fd, path);
    struct stat status;
    if (located < 0 || fstat(located, &status) < 0 || !S_ISREG(status.st_mode))
        return -1;
    return open_located(located, CONTENT);
}

int rts_open_directory_below(int root_fd, const char *path)
{
    RTS_CLOSE int located = locate(root_fd, path);
    return located < 0 ? -1 : open_located(located, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
