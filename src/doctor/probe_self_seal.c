/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/self_seal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sealing/capabilities.h"
#include "sealing/origin.h"
#include "util/cleanup.h"

#define CAPABILITY_SETPCAP 8

/* For the case that the parent is stopped for good. */
#define CHILD_SECONDS_MAX 60

struct told {
    struct rts_sealed sealed;
    int dumpable;
};

/* As one of that kind would be, until the parent has seen it and closes its end. */
static void live_sealed(enum rts_seal_kind kind, unsigned needs, int to_parent, int from_parent)
{
    struct rts_origin origin;
    struct told told;
    char byte;
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS_MAX);
    rts_origin_leave(&origin);
    rts_seal(kind, needs, &told.sealed);
    told.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (write(to_parent, &told, sizeof told) == (ssize_t)sizeof told)
        while (read(from_parent, &byte, 1) < 0 && errno == EINTR)
            continue;
    _exit(0);
}

static int read_status(struct rts_seal_findings *found, const char *proc_root, pid_t pid)
{
    const struct {
        const char *name;
        uint64_t *set;
    } sets[] = {{"CapInh:", &found->inheritable},
                {"CapPrm:", &found->permitted},
                {"CapEff:", &found->effective},
                {"CapBnd:", &found->bounding},
                {"CapAmb:", &found->ambient}};
    const struct {
        const char *name;
        int *value;
    } numbers[] = {{"NoNewPrivs:", &found->no_new_privileges},
                   {"Seccomp:", &found->seccomp},
                   {"Seccomp_filters:", &found->filters}};
    char path[256], line[256];
    snprintf(path, sizeof path, "%s/%d/status", proc_root, (int)pid);
    RTS_FCLOSE FILE *file = fopen(path, "re");
    if (!file)
        return errno;
    while (fgets(line, sizeof line, file)) {
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
            if (strncmp(line, sets[i].name, strlen(sets[i].name)) == 0)
                *sets[i].set = strtoull(line + strlen(sets[i].name), NULL, 16);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (strncmp(line, numbers[i].name, strlen(numbers[i].name)) == 0)
                *numbers[i].value = (int)strtol(line + strlen(numbers[i].name), NULL, 10);
    }
    return 0;
}

static int look_at(struct rts_seal_findings *found, const char *proc_root, pid_t pid,
                   int from_child)
{
    struct told told;
    struct rlimit core;
    ssize_t size;
    do {
        size = read(from_child, &told, sizeof told);
    } while (size < 0 && errno == EINTR);
    if (size != (ssize_t)sizeof told)
        return size < 0 ? errno : ECHILD; /* it has died before */
    found->sealed = told.sealed;
    found->dumpable = told.dumpable;
    if (prlimit(pid, RLIMIT_CORE, NULL, &core) < 0)
        return errno;
    found->core_limit = core.rlim_max;
    return read_status(found, proc_root, pid);
}

static void probe(struct rts_seal_findings *found, enum rts_seal_kind kind, unsigned needs,
                  const char *proc_root)
{
    int up[2], down[2];
    *found = (struct rts_seal_findings){
        .seccomp = -1,
        .filters = -1,
        .allowed = rts_seal_kind_capabilities(kind, needs, rts_capabilities_permitted()),
    };
    if (pipe(up) < 0) {
        found->number = errno;
        return;
    }
    if (pipe(down) < 0) {
        found->number = errno;
        close(up[0]);
        close(up[1]);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        close(up[0]);
        close(down[1]);
        live_sealed(kind, needs, up[1], down[0]);
    }
    found->number = child < 0 ? errno : 0;
    close(up[1]);
    close(down[0]);
    if (child > 0) {
        found->number = look_at(found, proc_root, child, up[0]);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(up[0]);
    close(down[1]);
}

void rts_probe_self_seal(struct rts_self_findings *findings, unsigned needs, const char *proc_root,
                         const char *sys_root, const char *file_root)
{
    struct utsname names;
    *findings = (struct rts_self_findings){.user = (uint32_t)geteuid()};
    rts_host_read(&findings->host, proc_root, sys_root, file_root, getenv);
    if (uname(&names) == 0)
        snprintf(findings->host.release, sizeof findings->host.release, "%.64s", names.release);
    findings->may_bound = rts_capabilities_permitted() & 1ULL << CAPABILITY_SETPCAP;
    findings->own_filter = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
    for (unsigned kind = 0; kind < RTS_SEAL_KINDS; kind++)
        probe(&findings->kinds[kind], (enum rts_seal_kind)kind, kind == RTS_SEAL_MAIN ? needs : 0,
              proc_root);
}
