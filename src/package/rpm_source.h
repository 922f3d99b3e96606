/* SPDX-License-Identifier: Apache-2.0 */
/* Where rpm keeps its database below a root directory, and of which files each kind of it is. */
#ifndef RTS_PACKAGE_RPM_SOURCE_H
#define RTS_PACKAGE_RPM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/tree.h"

#define RTS_RPM_FILES 2

struct rts_rpm_format {
    const char *backend;              /* rpm's word for it */
    const char *files[RTS_RPM_FILES]; /* the first has to be there, the second may be; NULL: none */
};

/* The kind with this number, from 0 on; NULL beyond the last. */
const struct rts_rpm_format *rts_rpm_format(size_t number);

struct rts_rpm_source {
    unsigned format;
    int fds[RTS_RPM_FILES]; /* owned; -1: not there */
};

/* Opens the files of the first database of the tree. False when there is none. */
bool rts_rpm_source_open(struct rts_rpm_source *source, const struct rts_tree *tree);

/* Closes what is open of it. */
void rts_rpm_source_close(struct rts_rpm_source *source);

#endif
