/* SPDX-License-Identifier: Apache-2.0 */
/* The package of one file as a whole: by what it says itself, and by the databases of its root. */
#ifndef RTS_PACKAGE_FILE_PACKAGE_H
#define RTS_PACKAGE_FILE_PACKAGE_H

#include "binary/object.h"
#include "package/database.h"

/* Strings owned. As struct rts_package. */
struct rts_file_package {
    char *purl;
    char *stale;
    bool modified;
};

/* Where the file was mapped from. All borrowed. */
struct rts_file_place {
    const char *path;            /* inside the root */
    const struct rts_tree *tree; /* of the file, and what lies beside it */
    const struct rts_tree
        *databases; /* the same root, with the rights that its databases are read with */
    const struct rts_package_database *database;
    bool must_match; /* only a file that is still there counts */
};

/* Fills *package for the mapped file behind `object`. */
void rts_file_package_read(struct rts_file_package *package, const struct rts_object *object,
                           const struct rts_file_place *place);

void rts_file_package_finish(struct rts_file_package *package);

#endif
