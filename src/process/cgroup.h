/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups as sets of processes: finding the folder of one below where cgroup v1 and v2 are
 * mounted, by its path or by the container that it is of, and listing the processes in it.
 */
#ifndef RTS_PROCESS_CGROUP_H
#define RTS_PROCESS_CGROUP_H

#include <stddef.h>
#include <stdint.h>

#include "broker/proc.h"
#include "process/container.h"
#include "util/error.h"

/* Where control groups are mounted, all of v2 or a folder for each hierarchy. */
#define RTS_CGROUP_ROOT "/sys/fs/cgroup"

/* The folder of the group `path`: an absolute path, or one below `root` or below a hierarchy in it;
 * of several hierarchies that have it, the first by name with a process in it. Returns a string
 * that the caller frees; NULL with RTS_NOT_FOUND when it is not a control group. */
char *rts_cgroup_find(const char *root, const char *path, struct rts_error *error);

struct rts_container_place {
    char id[RTS_CONTAINER_ID_SIZE];
    char *folder; /* of its control group; the caller frees it; NULL: it cannot be seen */
};

/* The container whose id begins with `prefix`, by what rts_container_read() says of the processes
 * in /proc. Of several hierarchies the one that perf counts by comes first. Fails with
 * RTS_USAGE when several containers are meant, which the message names, or when the prefix is none,
 * and with RTS_NOT_FOUND. */
int rts_cgroup_find_container(const struct rts_proc *proc, const char *root, const char *prefix,
                              struct rts_container_place *place, struct rts_error *error);

/* The processes of a container whose control group cannot be seen: as rts_cgroup_processes(). */
int32_t *rts_container_processes(const struct rts_proc *proc, const char *root, const char *id,
                                 size_t *count);

/* The processes in the group and in those below it, as far as this pid namespace sees them; one
 * that moves meanwhile may be missing or there twice. Returns an array that the caller frees, never
 * NULL; its length goes to *count, 0 also when the group is gone. */
int32_t *rts_cgroup_processes(const char *folder, size_t *count);

#endif
