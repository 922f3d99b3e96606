/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup_ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "process/cgroup_names.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/share.h"
#include "util/table.h"

/* Deeper groups than any container manager makes; each level holds a descriptor. */
#define DEPTH_MAX 64

/* Listing all folders takes milliseconds on a machine with many containers. */
#define LIST_INTERVAL_NS RTS_NS_PER_S

struct group {
    uint64_t id;
    struct rts_container container; /* an empty id: of none */
};

struct rts_cgroup_ids {
    char *root; /* NULL: none */
    struct rts_table groups;
    uint64_t listed_ns; /* 0: never */
};

struct rts_cgroup_ids *rts_cgroup_ids_create(const char *root)
{
    struct rts_cgroup_ids *ids = rts_calloc(1, sizeof *ids);
    ids->root = root ? rts_strdup(root) : NULL;
    return ids;
}

static void forget_all(struct rts_cgroup_ids *ids)
{
    size_t position = 0;
    void *group;
    while ((group = rts_table_next(&ids->groups, &position)))
        free(group);
    rts_table_finish(&ids->groups);
}

void rts_cgroup_ids_destroy(struct rts_cgroup_ids *ids)
{
    if (!ids)
        return;
    forget_all(ids);
    free(ids->root);
    free(ids);
}

size_t rts_cgroup_ids_bytes(const struct rts_cgroup_ids *ids)
{
    return ids->groups.count * rts_heap_bytes(sizeof(struct group)) + rts_table_bytes(&ids->groups);
}

static bool same_group(const void *item, const void *key)
{
    return ((const struct group *)item)->id == *(const uint64_t *)key;
}

static struct group *find(const struct rts_cgroup_ids *ids, uint64_t id)
{
    return rts_table_find(&ids->groups, rts_hash_u64(id), same_group, &id);
}

static void add(struct rts_cgroup_ids *ids, uint64_t id, const struct rts_container *container)
{
    bool full = ids->groups.count >= RTS_CGROUP_IDS_MAX;
    if (id == 0 || (full && !ids->root) || find(ids, id))
        return;
    if (full)
        forget_all(ids);
    struct group *group = rts_calloc(1, sizeof *group);
    group->id = id;
    group->container = *container;
    rts_table_add(&ids->groups, rts_hash_u64(id), group);
}

/* `names`: bytes of the path that count. */
static void add_named(struct rts_cgroup_ids *ids, uint64_t id, const char *path, size_t names)
{
    struct rts_container container = {0};
    rts_container_from_names(path, names, &container);
    add(ids, id, &container);
}

/* ---- the folders ---- */

/* A group inside of a container's is of that container. Takes the descriptor. `names` is as long as
 * `path` while all of that counts. */
static void list_tree(struct rts_cgroup_ids *ids, int folder, char path[PATH_MAX], size_t names,
                      unsigned depth)
{
    struct stat status = {0};
    size_t size = strlen(path);
    if (fstat(folder, &status) == 0)
        add_named(ids, status.st_ino, path, names);
    bool kept = names == size && rts_cgroup_is_kept(&status);
    DIR *directory = fdopendir(folder);
    if (!directory) {
        close(folder);
        return;
    }
    for (struct dirent *entry; depth < DEPTH_MAX && ids->groups.count < RTS_CGROUP_IDS_MAX &&
                               (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
            size + strlen(entry->d_name) + 2 > PATH_MAX)
            continue;
        int below = openat(dirfd(directory), entry->d_name,
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            continue;
        snprintf(path + size, PATH_MAX - size, "/%s", entry->d_name);
        list_tree(ids, below, path, kept ? strlen(path) : names, depth + 1);
        path[size] = '\0';
    }
    closedir(directory);
}

struct hierarchy {
    const char *name;
    long magic;
};

static int open_first(const char *root, const struct hierarchy *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct statfs system;
        snprintf(path, sizeof path, "%s/%s", root, places[i].name);
        RTS_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && fstatfs(fd, &system) == 0 && system.f_type == (__fsword_t)places[i].magic)
            return rts_take_fd(&fd);
    }
    return -1;
}

static int open_version_2(const char *root)
{
    static const struct hierarchy places[] = {
        {"", CGROUP2_SUPER_MAGIC},
        {"unified", CGROUP2_SUPER_MAGIC},
    };
    return open_first(root, places, sizeof places / sizeof *places);
}

/* The folder of the hierarchy that perf counts by: version 1, where one is mounted for it, else
 * version 2. */
static int open_hierarchy(const char *root)
{
    static const struct hierarchy places[] = {
        {"perf_event", CGROUP_SUPER_MAGIC},
        {"cpu,perf_event", CGROUP_SUPER_MAGIC},
    };
    int fd = open_first(root, places, sizeof places / sizeof *places);
    return fd >= 0 ? fd : open_version_2(root);
}

static void list(struct rts_cgroup_ids *ids)
{
    char path[PATH_MAX] = "";
    int fd = open_hierarchy(ids->root);
    if (fd >= 0)
        list_tree(ids, fd, path, 0, 0);
}

/* Of the hierarchy, as a whole. */
#define TOP_INODE 1

void rts_cgroup_ids_add(struct rts_cgroup_ids *ids, uint64_t id, const char *path)
{
    struct stat top;
    size_t size = strlen(path);
    RTS_CLOSE int fd = ids->root ? open_hierarchy(ids->root) : -1;
    bool whole = fd >= 0 && fstat(fd, &top) == 0 && top.st_ino == TOP_INODE;
    add_named(ids, id, path, whole ? rts_cgroup_names(fd, path, size) : size);
}

const struct rts_container *rts_cgroup_ids_find(struct rts_cgroup_ids *ids, uint64_t id,
                                                uint64_t now_ns)
{
    if (id == 0)
        return NULL;
    struct group *group = find(ids, id);
    bool may_list =
        ids->root && (ids->listed_ns == 0 || now_ns - ids->listed_ns >= LIST_INTERVAL_NS);
    if (!group && may_list) {
        ids->listed_ns = now_ns ? now_ns : 1;
        if (ids->groups.count >= RTS_CGROUP_IDS_MAX)
            forget_all(ids);
        list(ids);
        group = find(ids, id);
    }
    return group && group->container.id[0] ? &group->container : NULL;
}

uint64_t rts_cgroup_ids_of_root(const struct rts_cgroup_ids *ids, const struct rts_tree *tree)
{
    /* There is one hierarchy of version 2, whose device is the same wherever it is mounted. */
    RTS_CLOSE int ours = ids->root ? open_version_2(ids->root) : -1;
    struct stat known;
    struct rts_file_status found;
    if (ours < 0 || fstat(ours, &known) < 0 || tree->root_fd < 0 ||
        rts_tree_status(tree, "/sys/fs/cgroup", &found) < 0 || found.device != known.st_dev)
        return 0;
    return found.inode;
}
