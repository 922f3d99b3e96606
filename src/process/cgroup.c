/* SPDX-License-Identifier: Apache-2.0 */
#include "process/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "process/container.h"
#include "process/descendants.h"
#include "util/cleanup.h"
#include "util/hex.h"
#include "util/memory.h"

/* Deeper groups than any container manager makes; each level holds a descriptor. */
#define DEPTH_MAX 64

/* All that the kernel can number (PID_MAX_LIMIT). */
#define PROCESSES_MAX ((size_t)4 << 20)

/* Candidates that a message names. */
#define NAMED_MAX 5

/* A dozen lines, each with a path at most. */
#define CGROUP_TEXT_MAX 65536

struct pids {
    int32_t *items;
    size_t count, capacity;
};

/* ---- who is in it ---- */

static void read_processes(int folder, struct pids *pids)
{
    int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (int pid; pids->count < PROCESSES_MAX && fscanf(file, "%d", &pid) == 1;) {
        if (pid <= 0)
            continue; /* of another pid namespace */
        pids->items = rts_grow(pids->items, pids->count, &pids->capacity, sizeof *pids->items);
        pids->items[pids->count++] = pid;
    }
    fclose(file);
}

/* Takes the descriptor. */
static void read_tree(int folder, unsigned depth, struct pids *pids)
{
    read_processes(folder, pids);
    DIR *directory = fdopendir(folder);
    if (!directory) {
        close(folder);
        return;
    }
    for (struct dirent *entry; depth < DEPTH_MAX && (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        int below = openat(dirfd(directory), entry->d_name,
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            read_tree(below, depth + 1, pids);
    }
    closedir(directory);
}

int32_t *rts_cgroup_processes(const char *folder, size_t *count)
{
    struct pids pids = {.items = rts_calloc(1, sizeof(int32_t)), .capacity = 1};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        read_tree(fd, 0, &pids);
    *count = pids.count;
    return pids.items;
}

/* ---- where it is ---- */

static bool is_group(const char *folder)
{
    struct statfs system;
    return statfs(folder, &system) == 0 && (system.f_type == (__fsword_t)CGROUP_SUPER_MAGIC ||
                                            system.f_type == (__fsword_t)CGROUP2_SUPER_MAGIC);
}

static bool has_processes(const char *folder)
{
    size_t count;
    free(rts_cgroup_processes(folder, &count));
    return count > 0;
}

/* "<a>/<b>/<c>"; the caller frees it. */
static char *join(const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 3;
    char *path = rts_calloc(1, size);
    snprintf(path, size, "%s/%s%s%s", a, b, *b ? "/" : "", c);
    return path;
}

/* The path below one of the hierarchies that are mounted in `root`; NULL: in none. */
static char *find_in_hierarchies(const char *root, const char *path)
{
    char *best = NULL;
    struct dirent **entries;
    int count = scandir(root, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *folder = join(root, entries[i]->d_name, path);
        bool hidden = entries[i]->d_name[0] == '.';
        if (!hidden && is_group(folder) &&
            (!best || (!has_processes(best) && has_processes(folder)))) {
            free(best);
            best = folder;
        } else {
            free(folder);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return best;
}

char *rts_cgroup_find(const char *root, const char *path, struct rts_error *error)
{
    if (path[0] == '/' && is_group(path))
        return rts_strdup(path);
    const char *relative = path + strspn(path, "/");
    char *folder = join(root, "", relative);
    if (*relative && is_group(folder))
        return folder;
    free(folder);
    folder = *relative ? find_in_hierarchies(root, relative) : NULL;
    if (!folder)
        rts_fail(error, RTS_NOT_FOUND,
                 "no control group %s: give a folder of %s, or a path below it", path, root);
    return folder;
}

/* ---- of a container ---- */

struct candidates {
    char ids[NAMED_MAX + 1][RTS_CONTAINER_ID_SIZE];
    size_t count; /* one more than can be named: there are others */
    int32_t pid;  /* in the first */
};

static void collect(const struct rts_proc *proc, const char *root, const char *prefix,
                    struct candidates *found)
{
    size_t count;
    RTS_FREE int32_t *pids = rts_process_list(proc, 0, &count);
    for (size_t i = 0; i < count; i++) {
        struct rts_container container;
        if (rts_container_read(proc, root, pids[i], &container) != 1 ||
            strncmp(container.id, prefix, strlen(prefix)) != 0)
            continue;
        bool known = false;
        for (size_t j = 0; j < found->count; j++)
            known = known || strcmp(found->ids[j], container.id) == 0;
        if (known || found->count > NAMED_MAX)
            continue;
        if (found->count == 0)
            found->pid = pids[i];
        memcpy(found->ids[found->count++], container.id, RTS_CONTAINER_ID_SIZE);
    }
}

static int fail_ambiguous(const char *prefix, const struct candidates *found,
                          struct rts_error *error)
{
    char names[NAMED_MAX * (RTS_CONTAINER_ID_SIZE + 2)] = "";
    size_t named = found->count < NAMED_MAX ? found->count : NAMED_MAX, size = 0;
    for (size_t i = 0; i < named; i++)
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%.16s", i ? ", " : "",
                                 found->ids[i]);
    return rts_fail(error, RTS_USAGE, "--container %s: several ids begin so: %s%s", prefix, names,
                    found->count > named ? ", ..." : "");
}

/* The folder of the group that a line of /proc/PID/cgroup names, up to the component with the id.
 */
static char *folder_of_line(const char *root, char *line, const char *id)
{
    char *controllers = strchr(line, ':'),
         *path = controllers ? strchr(controllers + 1, ':') : NULL;
    char *end = path ? strstr(path, id) : NULL;
    if (!end)
        return NULL;
    for (char *next; (next = strstr(end + 1, id));)
        end = next;
    end[strcspn(end, "/")] = '\0';
    *path++ = '\0';
    controllers++;
    if (strncmp(controllers, "name=", 5) == 0)
        controllers += 5;
    path += strspn(path, "/");
    char *folder = join(root, *controllers ? controllers : "unified", path);
    if (!is_group(folder) && !*controllers) {
        free(folder);
        folder = join(root, "", path);
    }
    if (is_group(folder) && has_processes(folder))
        return folder;
    free(folder);
    return NULL;
}

/* "7:perf_event:/..." or, of version 2, "0::/...". */
static bool is_of_perf(const char *line)
{
    const char *controllers = strchr(line, ':');
    const char *end = controllers ? strchr(controllers + 1, ':') : NULL;
    const char *perf = end ? strstr(controllers, "perf_event") : NULL;
    return end && (end == controllers + 1 || (perf && perf < end));
}

static char *folder_of_process(const struct rts_proc *proc, const char *root, int32_t pid,
                               const char *id)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_proc_read(proc, pid, "cgroup", CGROUP_TEXT_MAX, &text);
    char *folder = NULL;
    for (int any = 0; any < 2 && !folder; any++) {
        RTS_FREE char *copy = rts_strdup(text.data ? text.data : "");
        char *rest = copy;
        for (char *line; !folder && (line = strsep(&rest, "\n"));)
            if (any || is_of_perf(line))
                folder = folder_of_line(root, line, id);
    }
    rts_buffer_finish(&text);
    return folder;
}

int rts_cgroup_find_container(const struct rts_proc *proc, const char *root, const char *prefix,
                              struct rts_container_place *place, struct rts_error *error)
{
    struct candidates found = {0};
    size_t length = strlen(prefix);
    *place = (struct rts_container_place){0};
    if (length == 0 || length >= RTS_CONTAINER_ID_SIZE || strspn(prefix, RTS_HEX_DIGITS) != length)
        return rts_fail(
            error, RTS_USAGE,
            "--container %s: an id has up to %d digits, 0 to 9 and a to f; a name is not an id",
            prefix, RTS_CONTAINER_ID_SIZE - 1);
    collect(proc, root, prefix, &found);
    if (found.count > 1)
        return fail_ambiguous(prefix, &found, error);
    if (found.count == 0)
        return rts_fail(error, RTS_NOT_FOUND, "no process runs in a container %s", prefix);
    memcpy(place->id, found.ids[0], sizeof place->id);
    place->folder = folder_of_process(proc, root, found.pid, place->id);
    return 0;
}

int32_t *rts_container_processes(const struct rts_proc *proc, const char *root, const char *id,
                                 size_t *count)
{
    int32_t *pids = rts_process_list(proc, 0, count);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct rts_container container;
        if (rts_container_read(proc, root, pids[i], &container) == 1 &&
            strcmp(container.id, id) == 0)
            pids[kept++] = pids[i];
    }
    *count = kept;
    return pids;
}
