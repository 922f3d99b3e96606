/* SPDX-License-Identifier: Apache-2.0 */
/* The package databases of one root directory, whichever there are. */
#ifndef RTS_PACKAGE_DATABASE_H
#define RTS_PACKAGE_DATABASE_H

#include <stdbool.h>

#include "broker/tree.h"
#include "package/owner.h"
#include "util/share.h"

struct rts_package_database;

/* Reads what there is of `tree`. Never NULL; one reference. *rpm_failures
 * counts databases of rpm that could not be read: after three no more are tried. */
struct rts_package_database *rts_package_database_create(const struct rts_tree *tree,
                                                         unsigned *rpm_failures);
struct rts_package_database *rts_package_database_ref(struct rts_package_database *database);

/* Counts there what it takes, until it is freed. */
void rts_package_database_use_share(struct rts_package_database *database, struct rts_share *share);

/* Frees it with the last reference. Accepts NULL. */
void rts_package_database_unref(struct rts_package_database *database);

/* Is what was read what is of `tree` now? The same files count, and no change of them: a
 * package manager replaces its database as a whole. */
bool rts_package_database_is_current(const struct rts_package_database *database,
                                     const struct rts_tree *tree);

/* Fills *owner with the one package that owns `path` inside the root; false when none does. */
bool rts_package_database_owner(const struct rts_package_database *database,
                                const struct rts_tree *tree, const char *path,
                                struct rts_package_owner *owner);

#endif
