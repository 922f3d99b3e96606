/* SPDX-License-Identifier: Apache-2.0 */
/* Between dpkg.c (what it answers) and dpkg_read.c (how it is read). */
#ifndef RTS_PACKAGE_DPKG_STATE_H
#define RTS_PACKAGE_DPKG_STATE_H

#include "package/dpkg.h"
#include "package/line_reader.h"
#include "package/merged_usr.h"
#include "package/path_index.h"

struct rts_dpkg_package {
    char *name, *version, *arch;
    char *files;       /* path of its file lists, without ".list" and ".md5sums" */
    bool only_md5sums; /* status.d has no .list */
};

struct rts_dpkg_diversion {
    char *from, *to;
    char *package; /* who made it; ":" for the administrator */
};

struct rts_dpkg {
    struct rts_dpkg_package *packages;
    size_t count, capacity;
    struct rts_dpkg_diversion *diversions;
    size_t diversion_count, diversion_capacity;
    struct rts_path_index index;
    struct rts_merged_usr usr;
};

/* Fills *dpkg, which is all zero. False when there is no database. */
bool rts_dpkg_read(struct rts_dpkg *dpkg, struct rts_reading *reading);

/* "d41d8cd98f00b204e9800998ecf8427e  usr/bin/x", or with "./" or "/" in front of the path: writes
 * the absolute path over the line. NULL when it is something else. */
char *rts_dpkg_md5sums_path(char *line);

#endif
