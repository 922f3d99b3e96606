/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is and in which state, by its /proc/PID/status and /proc/PID/ns. */
#ifndef RTS_DOCTOR_IDENTITY_H
#define RTS_DOCTOR_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum rts_namespace {
    RTS_NAMESPACE_USER,
    RTS_NAMESPACE_PID,
    RTS_NAMESPACE_MOUNT,
    RTS_NAMESPACE_COUNT,
};

/* The inode of the one that the machine was started with: the kernel's PROC_PID_INIT_INO. */
#define RTS_FIRST_PID_NAMESPACE 0xEFFFFFFCu

struct rts_process_identity {
    bool known; /* its status could be read; nothing else holds without */
    int32_t pid;
    int32_t group;      /* the process that it is a thread of: itself for a process */
    int32_t inner_pid;  /* its pid in its own pid namespace; 0: not told */
    unsigned pid_depth; /* pid namespaces from ours down to that one; 1: it is ours */
    char name[64];      /* may hold anything but a newline */
    char state;         /* 'R', 'S', 'Z', ... */
    bool is_kernel;     /* a kernel thread */
    long threads;
    uint32_t user; /* effective */
    bool no_new_privileges;
    uint64_t namespaces[RTS_NAMESPACE_COUNT]; /* inodes; 0: not to be read */
};

/* Reads what <proc_root>/<name> tells, where `name` is a pid or "self". identity->known is false
 * when there is nothing. */
void rts_process_identity_read(struct rts_process_identity *identity, const char *proc_root,
                               const char *name);

/* Is it a process that could be sampled at all: there, not dead, no kernel thread, no thread of
 * another one? */
bool rts_process_identity_runs(const struct rts_process_identity *identity);

#endif
