/* SPDX-License-Identifier: Apache-2.0 */
/* Where /bin, /lib and their like are links into /usr, every path below them has two spellings, and
 * a package database may know either. */
#ifndef RTS_PACKAGE_MERGED_USR_H
#define RTS_PACKAGE_MERGED_USR_H

#include <limits.h>
#include <stdbool.h>

#include "package/reading.h"

#define RTS_MERGED_FOLDERS 6

struct rts_merged_usr {
    bool merged[RTS_MERGED_FOLDERS];
};

/* Looks which folders of the tree are merged. */
void rts_merged_usr_read(struct rts_reading *reading, struct rts_merged_usr *usr);

/* Writes the other spelling of `path`; false when there is none. */
bool rts_merged_usr_other(const struct rts_merged_usr *usr, const char *path, char other[PATH_MAX]);

#endif
