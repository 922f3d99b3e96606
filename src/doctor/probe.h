/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes: each tries for real what sampling would do, as the user that we are, and leaves
 * nothing behind. What they do to a process they do to ourselves or to a child of ours; of the
 * target only files are opened, and events that are never enabled.
 */
#ifndef RTS_DOCTOR_PROBE_H
#define RTS_DOCTOR_PROBE_H

#include "doctor/findings.h"

struct rts_probe_options {
    const char *proc_root, *sys_root, *file_root; /* "/proc", "/sys", "/" */
    int32_t pid;                                  /* the target; 0: none */
    uint64_t user_registers;                      /* PERF_REG_* mask that samples hold */
    bool spare_memory; /* do not read the target's memory: a filter kills for it */
};

/* All of the below, in this order. */
void rts_probe_all(struct rts_findings *findings, const struct rts_probe_options *options);

/* Asks for each of these system calls in a child, which a filter may end. */
void rts_probe_gates(struct rts_gates *gates);

/* Opens, maps, samples an own child, and opens on the target and on whole CPUs. */
void rts_probe_perf(struct rts_perf_findings *perf, const struct rts_probe_options *options);

/* Seizes an own child and samples it. */
void rts_probe_ptrace(struct rts_ptrace_findings *ptrace, const struct rts_probe_options *options);

/* Tries, in an own child, to run on each CPU and before others. */
void rts_probe_near(struct rts_near_findings *near);

/* Arms a hardware breakpoint and a uprobe on a function of ours, calls it, and counts. */
void rts_probe_entry(struct rts_entry_findings *entry, const struct rts_probe_options *options);

/* Opens the target's files in /proc. */
void rts_probe_access(struct rts_access *access, const struct rts_probe_options *options);

/* Reads our limits, and what could give our program capabilities. */
void rts_probe_limits(struct rts_limits *limits);
void rts_probe_program(struct rts_program *program);

/* A child that computes and makes system calls until it is killed; -1 with errno. It ends with us.
 */
int32_t rts_probe_child_start(void);
void rts_probe_child_stop(int32_t pid);

#endif
