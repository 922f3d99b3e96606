/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace of our own says of packages: the databases of then are not there to be asked. */
#ifndef RTS_RECORDING_REPEATED_PACKAGES_H
#define RTS_RECORDING_REPEATED_PACKAGES_H

#include "binary/object.h"
#include "package/package_table.h"
#include "trace/note.h"
#include "util/table.h"

/* Zero-initialise. */
struct rts_repeated_packages {
    struct rts_table said;
    size_t count;
};

/* Takes a PACKAGE, from behind the number of its file, whose object is this one; NULL: it was not
 * found. */
void rts_repeated_packages_take(struct rts_repeated_packages *packages,
                                const struct rts_object *object, struct rts_note *note);

/* What was said of a function: of a struct rts_package_source. `context` are the packages, with
 * which the texts live. */
struct rts_package rts_repeated_packages_find(void *context, const struct rts_object *object,
                                              const char *function);

void rts_repeated_packages_finish(struct rts_repeated_packages *packages);

#endif
