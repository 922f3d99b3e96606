/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails: preloaded into a program, it lets one kind of call on files below a directory
 * fail. From the environment: FAIL_BELOW (the directory), FAIL_CALL (write, fsync, renameat,
 * unlinkat, openat, mkdirat, read), FAIL_ERROR (an errno), FAIL_FROM and FAIL_TO (the first and the
 * last call to fail, counted from 1). How many calls failed is appended to the file FAIL_LOG.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

static bool is_below(int fd)
{
    char link[64], path[PATH_MAX];
    const char *below = getenv("FAIL_BELOW");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || !below)
        return false;
    path[length] = '\0';
    return strncmp(path, below, strlen(below)) == 0;
}

static void log_failure(void)
{
    const char *path = getenv("FAIL_LOG");
    FILE *log = path ? fopen(path, "ae") : NULL;
    if (log) {
        fputs("x", log);
        fclose(log);
    }
}

/* Is it this call's turn to fail? Sets errno if so. */
static bool fails(const char *call, int fd)
{
    static __thread bool inside;
    const char *wanted = getenv("FAIL_CALL");
    if (inside || !wanted || strcmp(wanted, call) != 0 || !is_below(fd))
        return false;
    long count = atomic_fetch_add(&calls, 1) + 1;
    if (count < number("FAIL_FROM") || count > number("FAIL_TO"))
        return false;
    inside = true;
    log_failure();
    inside = false;
    errno = (int)number("FAIL_ERROR");
    return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t size)
{
    return fails("write", fd) ? -1 : REAL(write)(fd, bytes, size);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    return fails("read", fd) ? -1 : REAL(read)(fd, bytes, size);
}

int fsync(int fd)
{
    return fails("fsync", fd) ? -1 : REAL(fsync)(fd);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return fails("renameat", from) ? -1 : REAL(renameat)(from, old, to, new);
}

int unlinkat(int fd, const char *name, int flags)
{
    return fails("unlinkat", fd) ? -1 : REAL(unlinkat)(fd, name, flags);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
    return fails("mkdirat", fd) ? -1 : REAL(mkdirat)(fd, name, mode);
}

int openat(int fd, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("openat", fd) ? -1 : REAL(openat)(fd, name, flags, mode);
}
