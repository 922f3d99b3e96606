/* SPDX-License-Identifier: Apache-2.0 */
/* Who knows of which package a function is: the databases of this machine, or a trace. */
#ifndef RTS_NAMING_PACKAGE_SOURCE_H
#define RTS_NAMING_PACKAGE_SOURCE_H

#include "package/package_table.h"

struct rts_object;

struct rts_package_source {
    void *context;
    /* The package of a function (its linkage name) of an object. The strings live until the window
     * is written. NULL: nobody knows packages. */
    struct rts_package (*find)(void *context, const struct rts_object *object,
                               const char *function);
};

#endif
