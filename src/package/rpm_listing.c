/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "package/rpm_starter.h"
#include "util/cleanup.h"
#include "util/log.h"

/* The largest databases have some 300 MiB; those of containers 50. */
#define DATABASE_MAX       (512ULL << 20)
#define DATABASE_MAX_OTHER (128ULL << 20)

/* The list of a usual machine takes a second; rtsample-rpm itself takes at most 10 s of CPU time.
 * No sample is taken meanwhile, so that others have less. */
#define WAIT_MS       20000
#define WAIT_MS_OTHER 4000
#define WAIT_MS_LAST  1000 /* at the end of a run */

/* A package manager may be at work: then the copy is made again. */
#define COPIES_MAX 3

/* Files that librpm may leave in the folder of the copy. */
#define LEFT_MAX 100

/* What makes up a database: the file that must be there, and one that may be. */
struct format {
    const char *backend; /* rpm's word for it */
    const char *file, *extra;
};

static const struct format formats[] = {
    {"sqlite", "rpmdb.sqlite", "rpmdb.sqlite-wal"},
    {"ndb", "Packages.db", "Index.db"},
    {"bdb_ro", "Packages", NULL},
};
#define FORMATS (sizeof formats / sizeof *formats)

static const char *const folders[] = {
    "/usr/lib/sysimage/rpm",
    "/var/lib/rpm",
    "/usr/share/rpm",
};
#define FOLDERS (sizeof folders / sizeof *folders)

/* ---- a folder of our own ---- */

struct folder {
    char path[PATH_MAX / 2]; /* empty: not made */
    int fd;                  /* of the folder of the copy inside; -1: not made */
};

static void folder_make(struct folder *folder)
{
    const char *places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    *folder = (struct folder){.fd = -1};
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
}

static void folder_empty(const struct folder *folder)
{
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct dirent *entry;
    for (int i = 0; i < LEFT_MAX && (entry = readdir(directory)); i++)
        unlinkat(folder->fd, entry->d_name, 0);
    closedir(directory);
}

static void folder_remove(struct folder *folder)
{
    char path[PATH_MAX];
    if (folder->fd >= 0) {
        folder_empty(folder);
        close(folder->fd);
        snprintf(path, sizeof path, "%s/db", folder->path);
        rmdir(path);
    }
    if (folder->path[0])
        rmdir(folder->path);
}

/* ---- the copy ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool copy_bytes(int from, int to, uint64_t *room)
{
    uint8_t chunk[65536];
    for (off_t offset = 0;;) {
        ssize_t size = pread(from, chunk, sizeof chunk, offset);
        if (size == 0)
            return true;
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 || (uint64_t)size > *room || !write_all(to, chunk, (size_t)size))
            return false;
        *room -= (uint64_t)size;
        offset += size;
    }
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
           same_time(now.st_mtim, before->st_mtim) && same_time(now.st_ctim, before->st_ctim);
}

struct source {
    const struct format *format;
    int fds[2]; /* the file, and the other one; -1: not there */
};

static int open_in(struct rts_reading *reading, const char *folder, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return rts_tree_open(&reading->tree, path);
}

static bool open_source(struct rts_reading *reading, struct source *source)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        for (size_t j = 0; j < FORMATS; j++) {
            const struct format *format = &formats[j];
            int fd = open_in(reading, folders[i], format->file);
            if (fd < 0)
                continue;
            source->format = format;
            source->fds[0] = fd;
            source->fds[1] = format->extra ? open_in(reading, folders[i], format->extra) : -1;
            return true;
        }
    }
    return false;
}

static void close_source(struct source *source)
{
    for (size_t i = 0; i < 2; i++)
        if (source->fds[i] >= 0)
            close(source->fds[i]);
}

/* 1: copied; 0: it changed meanwhile; -1: it cannot be. */
static int copy_once(const struct source *source, const struct folder *folder, uint64_t limit)
{
    const char *names[2] = {source->format->file, source->format->extra};
    struct stat before[2];
    uint64_t room = limit;
    for (size_t i = 0; i < 2; i++)
        if (source->fds[i] >= 0 &&
            (fstat(source->fds[i], &before[i]) < 0 || before[i].st_size > (off_t)limit))
            return -1;
    for (size_t i = 0; i < 2; i++) {
        if (source->fds[i] < 0)
            continue;
        RTS_CLOSE int to = openat(folder->fd, names[i],
                                  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0 || !copy_bytes(source->fds[i], to, &room))
            return -1;
    }
    for (size_t i = 0; i < 2; i++)
        if (source->fds[i] >= 0 && !is_unchanged(source->fds[i], &before[i]))
            return 0;
    return 1;
}

static bool copy_database(struct rts_reading *reading, const struct folder *folder,
                          const char **backend)
{
    const uint64_t limit = rts_reading_is_ours(&reading->tree) ? DATABASE_MAX : DATABASE_MAX_OTHER;
    for (int i = 0; i < COPIES_MAX; i++) {
        struct source source;
        if (folder->fd < 0 || !open_source(reading, &source))
            return false;
        int copied = copy_once(&source, folder, limit);
        *backend = source.format->backend;
        close_source(&source);
        if (copied != 0)
            return copied > 0;
    }
    return false;
}

/* ---- the list ---- */

static bool is_whole(int list)
{
    char end[4];
    off_t size = lseek(list, 0, SEEK_END);
    if (size == 2)
        return pread(list, end, 2, 0) == 2 && memcmp(end, "E\n", 2) == 0;
    return size > 2 && pread(list, end, 3, size - 3) == 3 && memcmp(end, "\nE\n", 3) == 0;
}

/* The exit status of rtsample-rpm, or -1; 0: the list is there. */
static int run(struct rts_reading *reading, const char *backend, const struct folder *folder,
               int list)
{
    char path[PATH_MAX];
    const uint64_t wait_ms = rts_reading_is_ours(&reading->tree) ? WAIT_MS
                             : reading->hurried                  ? WAIT_MS_LAST
                                                                 : WAIT_MS_OTHER;
    snprintf(path, sizeof path, "%s/db", folder->path);
    const struct rts_rpm_job job = {
        .backend = backend,
        .folder = path,
        .list = list,
        .wait_ms = wait_ms,
    };
    int status = rts_rpm_starter_run(reading->starter, &job);
    return status == 0 && !is_whole(list) ? -1 : status;
}

static int open_list(const struct folder *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/list", folder->path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int rts_rpm_listing_make(struct rts_reading *reading, bool *failed)
{
    char lister[PATH_MAX];
    struct source source;
    const char *backend;
    struct folder folder;
    if (!open_source(reading, &source))
        return -1;
    close_source(&source);
    if (!rts_rpm_lister_find(lister)) {
        *failed = true;
        rts_log("packages of rpm stay unknown: rtsample-rpm, which reads its database, is not "
                "there%s",
                reading->root);
        return -1;
    }
    folder_make(&folder);
    RTS_CLOSE int list = folder.fd < 0 ? -1 : open_list(&folder);
    int status = -1;
    if (list >= 0 && copy_database(reading, &folder, &backend))
        status = run(reading, backend, &folder, list);
    folder_remove(&folder);
    if (status == 0)
        return rts_take_fd(&list);
    *failed = true;
    if (status == RTS_RPM_UNKNOWN)
        rts_log(
            "packages of rpm stay unknown: librpm finds none in a database of the kind %s; it was "
            "built without that, or the database is damaged%s",
            backend, reading->root);
    else
        rts_log("packages of rpm stay unknown: a database of it is damaged, too large, or took too "
                "long%s",
                reading->root);
    return -1;
}
