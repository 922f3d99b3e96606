/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has given a control group its name. Whoever may make folders in a group names those below it
 * as he likes, also like a container: so names count as far as all folders above them are of root,
 * of who made our user namespace or of ourselves, and nobody else may make any in them.
 */
#ifndef RTS_PROCESS_CGROUP_NAMES_H
#define RTS_PROCESS_CGROUP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* May nobody but those make groups in the group that this is the folder of? In a user namespace all
 * users outside of it look alike, and are those who made it: whom we sample is in it. */
bool rts_cgroup_is_kept(const struct stat *folder);

/* How many bytes of `path`, from the root of the hierarchy whose folder `hierarchy` is, are names
 * that count. A group that is gone counts as far as what is there does. */
size_t rts_cgroup_names(int hierarchy, const char *path, size_t size);

/* Opens (O_PATH) the folder below `root` where the hierarchy is mounted that a line of
 * /proc/PID/cgroup names by these controllers: "cpu,cpuacct", "name=systemd", or none for version
 * 2. Returns the fd, or -1. */
int rts_cgroup_open_hierarchy(const char *root, const char *controllers, size_t size);

#endif
