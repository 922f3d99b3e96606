/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of our own for the copy of an rpm database, and the file for the list of it. */
#ifndef RTS_PACKAGE_RPM_FOLDER_H
#define RTS_PACKAGE_RPM_FOLDER_H

#include <limits.h>
#include <stdbool.h>

struct rts_rpm_folder {
    char path[PATH_MAX / 2]; /* empty: not made */
    int fd;                  /* of the folder "db" inside, for the copy; -1: not made */
};

/* Makes it below TMPDIR, /var/tmp or /tmp. False: it cannot be; what was made is removed by
 * rts_rpm_folder_remove() in any case. */
bool rts_rpm_folder_make(struct rts_rpm_folder *folder);

/* Opens an empty file in it, which has no name any more. Returns a descriptor, or -1. */
int rts_rpm_folder_open_list(const struct rts_rpm_folder *folder);

/* Gives the copy to nobody, whom rtsample-rpm becomes. In user namespaces without such an id all
 * stays ours, and rtsample-rpm does so, too. */
void rts_rpm_folder_give_away(const struct rts_rpm_folder *folder);

/* Removes it with all that is in it. */
void rts_rpm_folder_remove(struct rts_rpm_folder *folder);

#endif
