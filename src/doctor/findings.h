/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probes have found: plain values, so that what is made of them (judge.h) can be tested
 * with those of machines that we do not have.
 */
#ifndef RTS_DOCTOR_FINDINGS_H
#define RTS_DOCTOR_FINDINGS_H

#include "capture/flag_leak.h"
#include "capture/near_memory.h"
#include "capture/standing.h"
#include "doctor/host.h"
#include "doctor/identity.h"

/* How an attempt ended: 0 or an errno; or one of these. */
#define RTS_NOT_TRIED (-1)
#define RTS_KILLED    RTS_STANDING_KILLED /* by a filter, for making this system call */

/* System calls made with arguments that the kernel itself refuses in one known way, so that another
 * answer is that of a filter in front of it. */
struct rts_gates {
    int perf_event_open;  /* EINVAL: open */
    int ptrace;           /* ESRCH: open */
    int process_vm_readv; /* EINVAL: open */
    int openat2;          /* EINVAL: open; ENOSYS: before Linux 5.6, or filtered */
};

/* One attempt to sample, by the same code that samples. */
struct rts_sampling {
    int number;       /* errno of the step that failed, 0 when samples can be had */
    unsigned samples; /* that were read, with registers and a stack; own child only */
    bool lost_kernel; /* only the user side was permitted */
    bool lost_clock;  /* the kernel cannot use CLOCK_MONOTONIC */
    uint32_t frequency, stack_bytes;
    uint64_t ring_bytes;
    unsigned cpus;
    const char *cause; /* what sampling itself says when it fails; NULL: it does not */
    char text[512];
};

struct rts_perf_findings {
    int own;    /* perf_event_open() of a software event on ourselves, user side */
    int kernel; /* the same with the kernel side */
    int build_id, cgroup, hardware; /* features that samples of ours could have */
    enum rts_flag_leak leak;        /* of asking for build-ids, where that is possible */
    struct rts_sampling child, cpus, of_target;
};

struct rts_ptrace_findings {
    int child;                    /* PTRACE_SEIZE of our own child */
    struct rts_sampling sampling; /* of our own child */
};

/* What reading near samples takes. */
struct rts_near_findings {
    bool tried;
    int switches;          /* of an event that tells of our own switches */
    unsigned online, cpus; /* CPUs, and those of them on which we may run */
    bool disowned;         /* rings can be mapped twice without harm */
    int cpus_error;        /* why not, where that is no cpuset */
    enum rts_near_schedule schedule;
};

struct rts_entry_findings {
    int breakpoint;           /* arming one on a function of ours */
    uint64_t breakpoint_hits; /* of RTS_ENTRY_CALLS */
    int uprobe;               /* ENODEV: there is no such device in /sys */
    uint64_t uprobe_hits;
    int tracefs; /* opening uprobe_events for writing; ENOENT: not mounted */
};

#define RTS_ENTRY_CALLS 8

/* Of the target's files in /proc: 0 or the errno of opening, or of reading, the first thing in. */
struct rts_access {
    int maps, root, exe, map_files, memory;
    int tracing; /* 0, or the errno that tracing it would meet */
    long maps_lines;
    bool own_root; /* its root directory is ours, in our mount namespace */
    int signal; /* of kill(pid, 0): tells a process that /proc hides from one that is not there */
};

struct rts_limits {
    uint64_t locked_bytes; /* RLIMIT_MEMLOCK, UINT64_MAX: none */
    uint64_t files, files_hard;
};

/* How this program could get capabilities from its own file. */
struct rts_program {
    char path[256];        /* empty: unknown */
    bool has_capabilities; /* "security.capability" is on it */
    bool is_nosuid;        /* it lies on a file system that ignores that */
};

/* Of a connection to the server for facts, where that was asked for. */
struct rts_endpoint_findings {
    bool asked, reached;
    const char *cause; /* NULL: reached; "name", "connection", "certificate", "timeout", "other" */
    char origin[256];  /* scheme, host and port */
    char text[300];    /* why not */
};

struct rts_findings {
    struct rts_host host;
    struct rts_process_identity self;
    struct rts_standing standing;
    struct rts_gates gates;
    struct rts_limits limits;
    struct rts_program program;
    struct rts_perf_findings perf;
    struct rts_ptrace_findings ptrace;
    struct rts_near_findings near;
    struct rts_entry_findings entry;
    struct rts_endpoint_findings endpoint;
    bool has_target; /* what follows is filled */
    int32_t target_pid;
    struct rts_process_identity target;
    struct rts_target_standing target_standing;
    struct rts_access access;
};

#endif
