/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/container.h"
#include "process/stat.h"
#include "util/cleanup.h"

/* A mount has more lines than this in a hostile container only. */
#define MOUNTS_MAX 16384

static const struct {
    const char *word, *phrase;
} wheres[] = {
    [RTS_WHERE_HOST] = {"host", "on the host"},
    [RTS_WHERE_SERVICE] = {"service", "in a service of systemd"},
    [RTS_WHERE_DOCKER] = {"docker", "in a docker container"},
    [RTS_WHERE_PODMAN] = {"podman", "in a podman container"},
    [RTS_WHERE_KUBERNETES] = {"kubernetes", "in a Kubernetes pod"},
    [RTS_WHERE_CONTAINER] = {"container", "in a container"},
};

const char *rts_where_word(enum rts_where where)
{
    return wheres[where].word;
}

const char *rts_where_phrase(enum rts_where where)
{
    return wheres[where].phrase;
}

/* The first line of a file, without its newline; empty when there is none. */
static bool read_line(char *line, size_t room, const char *root, const char *name)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s", root, name);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    *line = '\0';
    if (!file || !fgets(line, (int)room, file)) {
        *line = '\0';
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static long read_number(const char *root, const char *name)
{
    char line[64], *end;
    if (!read_line(line, sizeof line, root, name))
        return RTS_HOST_UNKNOWN;
    long number = strtol(line, &end, 10);
    return end == line ? RTS_HOST_UNKNOWN : number;
}

static bool exists(const char *root, const char *name)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return access(path, F_OK) == 0;
}

/* "[none] integrity confidentiality": the one in brackets. */
static void read_lockdown(char *word, size_t room, const char *sys_root)
{
    char line[128];
    *word = '\0';
    if (!read_line(line, sizeof line, sys_root, "kernel/security/lockdown"))
        return;
    const char *open = strchr(line, '[');
    if (open)
        snprintf(word, room, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
}

/* The hidepid= of the mount that `proc_root` is; it is written as a number or as a word. */
static long read_hidepid(const char *proc_root)
{
    static const struct {
        const char *text;
        long value;
    } words[] = {{"off", 0}, {"noaccess", 1}, {"invisible", 2}, {"ptraceable", 4}};
    char path[320], line[1024];
    snprintf(path, sizeof path, "%s/self/mounts", proc_root);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    long found = file ? 0 : RTS_HOST_UNKNOWN;
    for (int i = 0; i < MOUNTS_MAX && file && fgets(line, sizeof line, file); i++) {
        char point[512];
        if (sscanf(line, "%*s %511s", point) != 1 || strcmp(point, proc_root) != 0)
            continue;
        const char *value = strstr(line, "hidepid=");
        found = value ? strtol(value + strlen("hidepid="), NULL, 10) : 0;
        for (size_t k = 0; value && k < sizeof words / sizeof *words; k++)
            if (strncmp(value + strlen("hidepid="), words[k].text, strlen(words[k].text)) == 0)
                found = words[k].value;
    }
    return found;
}

/* A machine that was made from a container's image has its marks too. A container has at least one
 * of these namespaces of its own; the first ones have numbers of theirs (PROC_*_INIT_INO). */
static bool has_own_namespace(const char *proc_root)
{
    static const struct {
        const char *name;
        ino_t first;
    } namespaces[] = {{"uts", 0xEFFFFFFE}, {"ipc", 0xEFFFFFFF}, {"cgroup", 0xEFFFFFFB}};
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        char path[320];
        struct stat status;
        snprintf(path, sizeof path, "%s/self/ns/%s", proc_root, namespaces[i].name);
        if (stat(path, &status) == 0 && status.st_ino != namespaces[i].first)
            return true;
    }
    return false;
}

static enum rts_where find_where(const char *proc_root, const char *file_root,
                                 char *(*getenv_of)(const char *name))
{
    struct rts_container container = {.id = ""};
    bool is_own = has_own_namespace(proc_root);
    const struct rts_proc proc = {.root = proc_root};
    bool contained = rts_container_read(&proc, NULL, (int32_t)getpid(), &container) > 0;
    const char *runtime = container.runtime ? container.runtime : "";
    if (getenv_of("KUBERNETES_SERVICE_HOST") || strcmp(runtime, "cri-o") == 0)
        return RTS_WHERE_KUBERNETES;
    if ((is_own && exists(file_root, "run/.containerenv")) || strcmp(runtime, "podman") == 0)
        return RTS_WHERE_PODMAN;
    if ((is_own && exists(file_root, ".dockerenv")) || strcmp(runtime, "docker") == 0)
        return RTS_WHERE_DOCKER;
    if (contained || (is_own && getenv_of("container")))
        return RTS_WHERE_CONTAINER;
    return getenv_of("INVOCATION_ID") && getppid() == 1 ? RTS_WHERE_SERVICE : RTS_WHERE_HOST;
}

void rts_host_read(struct rts_host *host, const char *proc_root, const char *sys_root,
                   const char *file_root, char *(*getenv_of)(const char *name))
{
    *host = (struct rts_host){
        .has_proc = exists(proc_root, "mounts") || exists(proc_root, "self") ||
                    exists(proc_root, "loadavg") || exists(proc_root, "1"),
        .has_sys = exists(sys_root, "kernel"),
        .proc_is_ours = rts_proc_is_ours(proc_root),
        .has_settings = exists(proc_root, "sys/kernel"),
        .paranoid = read_number(proc_root, "sys/kernel/perf_event_paranoid"),
        .mlock_kb = read_number(proc_root, "sys/kernel/perf_event_mlock_kb"),
        .sample_rate = read_number(proc_root, "sys/kernel/perf_event_max_sample_rate"),
        .cpu_percent = read_number(proc_root, "sys/kernel/perf_cpu_time_max_percent"),
        .ptrace_scope = read_number(proc_root, "sys/kernel/yama/ptrace_scope"),
        .last_capability = read_number(proc_root, "sys/kernel/cap_last_cap"),
        .hidepid = read_hidepid(proc_root),
        .where = find_where(proc_root, file_root, getenv_of),
    };
    read_lockdown(host->lockdown, sizeof host->lockdown, sys_root);
    read_line(host->modules, sizeof host->modules, sys_root, "kernel/security/lsm");
    read_line(host->profile, sizeof host->profile, proc_root, "self/attr/current");
}
