/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel was told to permit, and where we run, read from /proc and /sys. */
#ifndef RTS_DOCTOR_HOST_H
#define RTS_DOCTOR_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Where fixes have to be made. The words are those of the report ("place"). */
enum rts_where {
    RTS_WHERE_HOST,
    RTS_WHERE_SERVICE, /* a service of systemd's */
    RTS_WHERE_DOCKER,
    RTS_WHERE_PODMAN,
    RTS_WHERE_KUBERNETES,
    RTS_WHERE_CONTAINER, /* of some other kind */
};

const char *rts_where_word(enum rts_where where);
const char *rts_where_phrase(enum rts_where where); /* "in a docker container" */

/* A setting that this kernel does not have, or that cannot be read. */
#define RTS_HOST_UNKNOWN (-1000)

struct rts_host {
    char release[65];
    enum rts_where where;
    bool has_proc;        /* there is a proc file system */
    bool has_sys;         /* and one with sysfs */
    bool proc_is_ours;    /* and it shows our own pid namespace */
    bool has_settings;    /* and has /proc/sys, which "subset=pid" leaves out */
    long paranoid;        /* kernel.perf_event_paranoid, -1 to 4 */
    long mlock_kb;        /* kernel.perf_event_mlock_kb */
    long sample_rate;     /* kernel.perf_event_max_sample_rate, Hz */
    long cpu_percent;     /* kernel.perf_cpu_time_max_percent; 0: no limit */
    long ptrace_scope;    /* kernel.yama.ptrace_scope */
    long last_capability; /* kernel.cap_last_cap: what this kernel knows */
    long hidepid;         /* of /proc: 0, 1, 2 or 4 */
    char lockdown[32];    /* "none", "integrity", "confidentiality"; empty: not there */
    char modules[128];    /* security modules, commas between; empty: not known */
    char profile[128];    /* what the security module runs us as; empty: not known */
};

/* Reads everything below these roots: "/proc", "/sys", and "/" for what container runtimes put
 * there. `release` is left empty; `getenv_of` is getenv() or what a test puts in its place. */
void rts_host_read(struct rts_host *host, const char *proc_root, const char *sys_root,
                   const char *file_root, char *(*getenv_of)(const char *name));

#endif
