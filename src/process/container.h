/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container that a process runs in, as the names of its control groups tell: those that docker,
 * containerd, cri-o and podman give, with the cgroupfs and the systemd driver, on cgroup v1 and v2.
 * Of containers inside each other it is the innermost. Where the names are hidden by a private
 * cgroup namespace that we are in ourselves, what docker and podman mount into every container
 * tells, where nobody else can have mounted it. Pure but for rts_container_read() and
 * rts_container_mounts_are_known().
 */
#ifndef RTS_PROCESS_CONTAINER_H
#define RTS_PROCESS_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/proc.h"

/* 64 hexadecimal digits. */
#define RTS_CONTAINER_ID_SIZE 65

struct rts_container {
    char id[RTS_CONTAINER_ID_SIZE]; /* empty: none */
    const char *runtime;            /* a word; NULL: not known; static */
};

/* The runtime that this word means, as rts_container.runtime has it; NULL when there is none. */
const char *rts_container_runtime(const char *word);

/* The container of one control group's path; false when it names none. */
bool rts_container_from_path(const char *path, struct rts_container *container);

/* The same of the first `size` bytes of it. */
bool rts_container_from_names(const char *path, size_t size, struct rts_container *container);

/* The same of the text of /proc/PID/cgroup, and of /proc/PID/mountinfo. */
bool rts_container_from_cgroup(const char *text, struct rts_container *container);
bool rts_container_from_mountinfo(const char *text, struct rts_container *container);

/* Is what is mounted for the process from those who may mount in our own user namespace? In one of
 * their own anybody may, and show what they like. A process of our user namespace is in no mount
 * namespace of another: to enter it takes the right to mount in both. False also when it cannot be
 * found out. */
bool rts_container_mounts_are_known(const struct rts_proc *proc, int32_t pid);

/* Reads both of a process: 1, 0 when it is in none, -1 when it is not there
 * (then *container is as it was). `groups` is where control groups are mounted: only names count
 * that root has given (cgroup_names.h). NULL: they are not to be looked at, and all count; so do
 * those of a hierarchy that is not mounted there, and of groups above our own namespace of them. */
int rts_container_read(const struct rts_proc *proc, const char *groups, int32_t pid,
                       struct rts_container *container);

#endif
