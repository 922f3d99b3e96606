/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PROGRAM "/proc/self/exe"

void rts_probe_limits(struct rts_limits *limits)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limits->locked_bytes = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    getrlimit(RLIMIT_NOFILE, &limit);
    limits->files = limit.rlim_cur;
    limits->files_hard = limit.rlim_max;
}

void rts_probe_program(struct rts_program *program)
{
    struct statvfs file_system;
    ssize_t size = readlink(PROGRAM, program->path, sizeof program->path - 1);
    program->path[size > 0 ? size : 0] = '\0';
    program->has_capabilities = getxattr(PROGRAM, "security.capability", NULL, 0) > 0;
    program->is_nosuid =
        statvfs(PROGRAM, &file_system) == 0 && (file_system.f_flag & ST_NOSUID) != 0;
}

static void skip_perf(struct rts_perf_findings *perf, int number)
{
    const struct rts_sampling sampling = {.number = number};
    *perf = (struct rts_perf_findings){
        .own = number,
        .kernel = number,
        .build_id = number,
        .cgroup = number,
        .hardware = number,
        .child = sampling,
        .cpus = sampling,
        .of_target = sampling,
    };
}

/* A gate as an errno: to be killed is to be refused. */
static int refused_number(int gate)
{
    return gate >= 0 ? gate : EPERM;
}

void rts_probe_all(struct rts_findings *findings, const struct rts_probe_options *options)
{
    struct utsname names;
    *findings = (struct rts_findings){.target_pid = options->pid};
    rts_host_read(&findings->host, options->proc_root, options->sys_root, options->file_root,
                  getenv);
    if (uname(&names) == 0)
        snprintf(findings->host.release, sizeof findings->host.release, "%.64s", names.release);
    rts_process_identity_read(&findings->self, options->proc_root, "self");
    rts_probe_limits(&findings->limits); /* before sampling raises one */
    rts_probe_program(&findings->program);
    rts_probe_gates(&findings->gates);
    const struct rts_proc proc = {.root = options->proc_root};
    rts_standing_look(&proc, &findings->standing);
    findings->standing.perf_call = refused_number(findings->gates.perf_event_open);
    findings->standing.ptrace_call = refused_number(findings->gates.ptrace);
    if (options->pid > 0) {
        char name[16];
        snprintf(name, sizeof name, "%d", (int)options->pid);
        findings->has_target = true;
        rts_process_identity_read(&findings->target, options->proc_root, name);
        rts_target_standing_read(&proc, options->pid, &findings->standing,
                                 &findings->target_standing);
        struct rts_probe_options careful = *options;
        careful.spare_memory = findings->gates.process_vm_readv == RTS_KILLED;
        rts_probe_access(&findings->access, &careful);
    }
    /* Where a filter kills for it, we do not ask. */
    if (findings->gates.perf_event_open == RTS_KILLED) {
        skip_perf(&findings->perf, RTS_KILLED);
        findings->entry.breakpoint = findings->entry.uprobe = RTS_KILLED;
    } else {
        rts_probe_perf(&findings->perf, options);
        rts_probe_near(&findings->near);
        rts_probe_entry(&findings->entry, options);
    }
    if (findings->gates.ptrace == RTS_KILLED || findings->gates.process_vm_readv == RTS_KILLED)
        findings->ptrace = (struct rts_ptrace_findings){
            .child = RTS_KILLED,
            .sampling.number = RTS_KILLED,
        };
    else
        rts_probe_ptrace(&findings->ptrace, options);
}
