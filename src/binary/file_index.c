/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/file_index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/elf_image.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/open_below.h"

/* Deeper trees than this are made to keep us busy. */
#define DEPTH_MAX 32

/* Files and folders that are looked at: more than a large system has. */
#define VISITS_MAX 4000000

struct file {
    struct rts_build_id build_id;
    int root;
    char *path;
};

struct rts_file_index {
    struct file *files;
    size_t count, capacity;
    size_t visits;
    char **scanned; /* folders of our own root; owned */
    size_t scanned_count, scanned_capacity;
};

/* One way through a folder. */
struct scan {
    struct rts_file_index *index;
    int root;
    bool programs_only;
};

struct rts_file_index *rts_file_index_create(void)
{
    return rts_calloc(1, sizeof(struct rts_file_index));
}

void rts_file_index_destroy(struct rts_file_index *index)
{
    if (!index)
        return;
    for (size_t i = 0; i < index->count; i++)
        free(index->files[i].path);
    for (size_t i = 0; i < index->scanned_count; i++)
        free(index->scanned[i]);
    free(index->files);
    free(index->scanned);
    free(index);
}

/* May it be executed, or is it called what shared libraries are called? Of what lies in the folders
 * of a system that is one file in twenty, and opening the others takes most of the time. */
static bool is_likely(int folder, const char *name)
{
    static const char node[] = ".node";
    struct stat status;
    size_t length = strlen(name);
    if (strstr(name, ".so") ||
        (length >= sizeof node && strcmp(name + length - (sizeof node - 1), node) == 0))
        return true;
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
}

static void take_file(const struct scan *scan, int folder, const char *name, const char *path)
{
    struct rts_file_index *index = scan->index;
    struct rts_elf_image image;
    if (scan->programs_only && !is_likely(folder, name))
        return;
    RTS_CLOSE int fd =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || !rts_is_elf(fd) || rts_elf_image_open(&image, rts_take_fd(&fd), NULL) < 0)
        return;
    if (image.segment_count > 0 && !rts_elf_image_is_debug_only(&image)) {
        index->files = rts_grow(index->files, index->count, &index->capacity, sizeof *index->files);
        struct file *file = &index->files[index->count++];
        *file = (struct file){.root = scan->root, .path = rts_strdup(path)};
        rts_build_id_read(&image, &file->build_id);
    }
    rts_elf_image_finish(&image);
}

/* Trees of the kernel have no files of programs, and no end. */
static bool is_of_kernel(int folder)
{
    struct statfs system;
    if (fstatfs(folder, &system) < 0)
        return true;
    switch ((unsigned long)system.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC: return true;
    default: return false;
    }
}

/* The kind of an entry, whatever the file system tells of it in the listing. */
static unsigned char kind_of(int folder, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
}

/* Some of the folders that are gone through lie in others of them. */
static bool is_done(const struct scan *scan, const char *path)
{
    const struct rts_file_index *index = scan->index;
    if (strcmp(path, "/usr/lib/debug") == 0)
        return true;
    for (size_t i = 0; i < index->scanned_count && scan->root < 0; i++)
        if (strcmp(index->scanned[i], path) == 0)
            return true;
    return false;
}

/* Takes the fd over. */
static void walk(const struct scan *scan, int fd, const char *path, unsigned depth)
{
    struct rts_file_index *index = scan->index;
    DIR *folder = is_of_kernel(fd) || is_done(scan, path) ? NULL : fdopendir(fd);
    if (!folder) {
        close(fd);
        return;
    }
    for (struct dirent *entry; index->visits < VISITS_MAX && (entry = readdir(folder));) {
        char below[PATH_MAX];
        const char *name = entry->d_name;
        int length = snprintf(below, sizeof below, "%s/%s", path, name);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || length >= (int)sizeof below)
            continue;
        index->visits++;
        unsigned char kind = kind_of(fd, entry);
        if (kind == DT_REG)
            take_file(scan, fd, name, below);
        if (kind != DT_DIR || depth == DEPTH_MAX)
            continue;
        int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0)
            walk(scan, inner, below, depth + 1);
    }
    closedir(folder);
}

void rts_file_index_scan(struct rts_file_index *index, int root, const char *path,
                         bool programs_only)
{
    const struct scan scan = {index, root, programs_only};
    int fd = root < 0 ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                      : rts_open_directory_below(root, path);
    if (fd < 0)
        return;
    walk(&scan, fd, strcmp(path, "/") == 0 ? "" : path, 0);
    if (root >= 0)
        return;
    index->scanned = rts_grow(index->scanned, index->scanned_count, &index->scanned_capacity,
                              sizeof *index->scanned);
    index->scanned[index->scanned_count++] = rts_strdup(path);
}

const char *rts_file_index_next(const struct rts_file_index *index,
                                const struct rts_build_id *build_id, size_t *position, int *root)
{
    while (*position < index->count) {
        const struct file *file = &index->files[(*position)++];
        if (!rts_build_id_same(&file->build_id, build_id))
            continue;
        *root = file->root;
        return file->path;
    }
    return NULL;
}

const char *rts_file_index_next_named(const struct rts_file_index *index, const char *name,
                                      size_t *position, int *root)
{
    while (*position < index->count) {
        const struct file *file = &index->files[(*position)++];
        const char *slash = strrchr(file->path, '/');
        if (strcmp(slash ? slash + 1 : file->path, name) != 0)
            continue;
        *root = file->root;
        return file->path;
    }
    return NULL;
}
