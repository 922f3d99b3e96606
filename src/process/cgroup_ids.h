/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which container a control group is of, by the id that the kernel puts into samples: the number of
 * the group's folder (its inode). So a process is told apart when it is gone, and where /proc shows
 * no names, since we are in a control group namespace of our own and yet see the whole hierarchy.
 * Learned from the records of new groups and from the folders; groups that are gone stay known.
 */
#ifndef RTS_PROCESS_CGROUP_IDS_H
#define RTS_PROCESS_CGROUP_IDS_H

#include <stddef.h>

#include "broker/tree.h"
#include "process/container.h"

/* Groups that are remembered, of containers or not, some 200 bytes each. When there are more, all
 * are forgotten, and those that are there listed again on need; without folders, as in a replay,
 * the later ones are not remembered. */
#define RTS_CGROUP_IDS_MAX 8192

struct rts_cgroup_ids;

/* `root` is where control groups are mounted (RTS_CGROUP_ROOT); copied. NULL: there is nothing to
 * look at. */
struct rts_cgroup_ids *rts_cgroup_ids_create(const char *root);
void rts_cgroup_ids_destroy(struct rts_cgroup_ids *ids);

/* A group was made: `path` from the root of its hierarchy. Where there is something to look at,
 * only names count that root has given (cgroup_names.h). */
void rts_cgroup_ids_add(struct rts_cgroup_ids *ids, uint64_t id, const char *path);

/* The container of a group; NULL when it is of none, or not known. The folders are listed for an id
 * that is new, though not more than once a second (`now_ns`, any clock). Owned by the table. */
const struct rts_container *rts_cgroup_ids_find(struct rts_cgroup_ids *ids, uint64_t id,
                                                uint64_t now_ns);

/* The id of the group that the control group namespace of a process begins with, by what is mounted
 * in its root directory; 0 when that is nothing of our own hierarchy of version 2. Whoever mounts
 * there says of which group the process is. */
uint64_t rts_cgroup_ids_of_root(const struct rts_cgroup_ids *ids, const struct rts_tree *tree);

/* The memory that they take, in bytes. */
size_t rts_cgroup_ids_bytes(const struct rts_cgroup_ids *ids);

#endif
