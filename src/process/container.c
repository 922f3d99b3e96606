/* SPDX-License-Identifier: Apache-2.0 */
#include "process/container.h"

#include <string.h>
#include <unistd.h>

#include "process/cgroup_names.h"
#include "util/cleanup.h"
#include "util/hex.h"
#include "util/memory.h"

#define ID_LENGTH (RTS_CONTAINER_ID_SIZE - 1)

/* A dozen lines of cgroup; some hundred of mountinfo. What is longer is looked at in part. */
#define TEXT_MAX ((size_t)256 << 10)

/* What the runtimes put before the id. conmon is the monitor of a container, outside of it. */
static const struct {
    const char *prefix, *runtime;
} prefixes[] = {
    {"docker-", "docker"},
    {"cri-containerd-", "containerd"},
    {"cri-containerd:", "containerd"},
    {"containerd-", "containerd"},
    {"nerdctl-", "containerd"},
    {"crio-", "cri-o"},
    {"libpod-", "podman"},
    {"libpod-payload-", "podman"},
};

/* Groups that hold one group for each container, which is named by the id alone. */
static const struct {
    const char *parent, *runtime;
} parents[] = {
    {"docker", "docker"},
    {"ecs", "docker"},
    {"libpod_parent", "podman"},
    {"crio", "cri-o"},
};

const char *rts_container_runtime(const char *word)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strcmp(prefixes[i].runtime, word) == 0)
            return prefixes[i].runtime;
    return NULL;
}

static bool is_id(const char *text, size_t size)
{
    return size == ID_LENGTH && strspn(text, RTS_HEX_DIGITS) >= size;
}

static void set(struct rts_container *container, const char *id, const char *runtime)
{
    memcpy(container->id, id, ID_LENGTH);
    container->id[ID_LENGTH] = '\0';
    container->runtime = runtime;
}

/* Takes the container that a component of a path names, if it names one. `runtime`: what the
 * components before it tell. */
static bool take_component(const char *name, size_t size, const char *runtime,
                           struct rts_container *container)
{
    static const char scope[] = ".scope";
    if (size > sizeof scope - 1 &&
        memcmp(name + size - (sizeof scope - 1), scope, sizeof scope - 1) == 0)
        size -= sizeof scope - 1;
    if (is_id(name, size)) {
        set(container, name, runtime);
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i].prefix);
        if (size < length + ID_LENGTH)
            continue;
        const char *id = name + size - ID_LENGTH, *prefix = id - length;
        /* Alone, or behind the slice that containerd puts before it. */
        bool begins = prefix == name || prefix[-1] == ':';
        if (begins && memcmp(prefix, prefixes[i].prefix, length) == 0 && is_id(id, ID_LENGTH)) {
            set(container, id, prefixes[i].runtime);
            return true;
        }
    }
    return false;
}

static const char *runtime_of_parent(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++)
        if (strlen(parents[i].parent) == size && memcmp(parents[i].parent, name, size) == 0)
            return parents[i].runtime;
    return NULL;
}

bool rts_container_from_names(const char *path, size_t size, struct rts_container *container)
{
    const char *end = path + size, *runtime = NULL;
    bool found = false;
    while (path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t length = slash ? (size_t)(slash - path) : (size_t)(end - path);
        if (take_component(path, length, runtime, container)) {
            found = true;
            runtime = NULL;
        } else if (length > 0) {
            const char *told = runtime_of_parent(path, length);
            runtime = told ? told : runtime;
        }
        path += length + 1;
    }
    return found;
}

bool rts_container_from_path(const char *path, struct rts_container *container)
{
    return rts_container_from_names(path, strlen(path), container);
}

/* How much of the path of a group counts, in the hierarchy of these controllers. */
static size_t names_of(const char *groups, const char *controllers, const char *path, size_t size)
{
    static const char up[] = "/..";
    RTS_CLOSE int hierarchy =
        groups ? rts_cgroup_open_hierarchy(groups, controllers, (size_t)(path - controllers) - 1)
               : -1;
    bool above = size >= strlen(up) && memcmp(path, up, strlen(up)) == 0;
    return hierarchy < 0 || above ? size : rts_cgroup_names(hierarchy, path, size);
}

/* "12:memory:/docker/…" or "0::/…". Of v1 all hierarchies that tell agree, but some may be shared
 * with the host. */
static bool from_cgroup(const char *text, const char *groups, struct rts_container *container)
{
    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");
        const char *end = line + size, *first = memchr(line, ':', size);
        const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
        struct rts_container named;
        if (second && rts_container_from_names(second + 1, (size_t)(end - second - 1), &named)) {
            const char *path = second + 1;
            size_t names = names_of(groups, first + 1, path, (size_t)(end - path));
            if (rts_container_from_names(path, names, container))
                return true;
        }
        line += size + (line[size] == '\n');
    }
    return false;
}

bool rts_container_from_cgroup(const char *text, struct rts_container *container)
{
    return from_cgroup(text, NULL, container);
}

/* Fields 4 and 5 are what of the file system is mounted, and where. docker mounts a file of each
 * container's own folder at /etc/hostname, podman at /run/.containerenv. */
bool rts_container_from_mountinfo(const char *text, struct rts_container *container)
{
    static const struct {
        const char *point, *folder, *runtime;
    } known[] = {
        {"/etc/hostname", "/containers/", "docker"},
        {"/run/.containerenv", "-containers/", "podman"},
    };
    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");
        char root[1024], point[64];
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (sscanf(line, "%*u %*u %*[^ \n] %1023[^ \n] %63[^ \n]", root, point) != 2 ||
                strcmp(point, known[i].point) != 0)
                continue;
            const char *folder = strstr(root, known[i].folder);
            const char *id = folder ? folder + strlen(known[i].folder) : "";
            if (is_id(id, strcspn(id, "/"))) {
                set(container, id, known[i].runtime);
                return true;
            }
        }
        line += size + (line[size] == '\n');
    }
    return false;
}

/* The beginning of a file; NULL when it cannot be read. The caller frees it. */
static char *read_text(const struct rts_proc *proc, int32_t pid, const char *name)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (rts_proc_read(proc, pid, name, TEXT_MAX, &text) < 0) {
        rts_buffer_finish(&text);
        return NULL;
    }
    return text.data ? text.data : rts_calloc(1, 1);
}

/* The name of a user namespace: "user:[4026531837]". */
#define NAMESPACE_SIZE 64

bool rts_container_mounts_are_known(const struct rts_proc *proc, int32_t pid)
{
    char its[NAMESPACE_SIZE], ours[NAMESPACE_SIZE];
    ssize_t size = rts_proc_link(proc, pid, "ns/user", its, sizeof its);
    return size > 0 && readlink("/proc/self/ns/user", ours, sizeof ours) == size &&
           memcmp(its, ours, (size_t)size) == 0;
}

int rts_container_read(const struct rts_proc *proc, const char *groups, int32_t pid,
                       struct rts_container *container)
{
    RTS_FREE char *cgroup = read_text(proc, pid, "cgroup");
    if (!cgroup)
        return -1;
    *container = (struct rts_container){0};
    if (from_cgroup(cgroup, groups, container))
        return 1;
    if (!rts_container_mounts_are_known(proc, pid))
        return 0;
    RTS_FREE char *mounts = read_text(proc, pid, "mountinfo");
    return mounts && rts_container_from_mountinfo(mounts, container);
}
