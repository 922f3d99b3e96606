/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

#define NOBODY 65534

/* Files that librpm may leave in the folder of the copy; a database has two. */
#define LEFT_MAX 100

bool rts_rpm_folder_make(struct rts_rpm_folder *folder)
{
    const char *places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    *folder = (struct rts_rpm_folder){.fd = -1};
    for (size_t i = 0; i < sizeof places / sizeof *places && !folder->path[0]; i++) {
        if (!places[i] || places[i][0] != '/')
            continue;
        int size = snprintf(folder->path, sizeof folder->path, "%s/rtsample-rpm.XXXXXX", places[i]);
        if (size < 0 || (size_t)size >= sizeof folder->path || !mkdtemp(folder->path))
            folder->path[0] = '\0';
    }
    RTS_CLOSE int top =
        folder->path[0] ? open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (top >= 0 && mkdirat(top, "db", 0700) == 0)
        folder->fd = openat(top, "db", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return folder->fd >= 0;
}

int rts_rpm_folder_open_list(const struct rts_rpm_folder *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/list", folder->path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* Calls `act` for all that is in the folder of the copy. */
static void for_each(const struct rts_rpm_folder *folder, void (*act)(int fd, const char *name))
{
    int again = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    if (!directory && again >= 0)
        close(again);
    for (int i = 0; directory && i < LEFT_MAX && (entry = readdir(directory)); i++)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            act(folder->fd, entry->d_name);
    if (directory)
        closedir(directory);
}

static void give_file(int folder, const char *name)
{
    RTS_CLOSE int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0)
        (void)!fchown(file, NOBODY, NOBODY);
}

void rts_rpm_folder_give_away(const struct rts_rpm_folder *folder)
{
    for_each(folder, give_file);
    (void)!fchown(folder->fd, NOBODY, NOBODY);
}

static void remove_file(int folder, const char *name)
{
    unlinkat(folder, name, 0);
}

void rts_rpm_folder_remove(struct rts_rpm_folder *folder)
{
    char path[PATH_MAX];
    if (folder->fd >= 0) {
        (void)!fchown(folder->fd, geteuid(), getegid()); /* who made it removes it */
        for_each(folder, remove_file);
        close(folder->fd);
        snprintf(path, sizeof path, "%s/db", folder->path);
        rmdir(path);
    }
    if (folder->path[0])
        rmdir(folder->path);
    *folder = (struct rts_rpm_folder){.fd = -1};
}
