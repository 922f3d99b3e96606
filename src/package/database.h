/* SPDX-License-Identifier: Apache-2.0 */
/* The package databases of one root directory, whichever there are. */
#ifndef RTS_PACKAGE_DATABASE_H
#define RTS_PACKAGE_DATABASE_H

#include <stdbool.h>

#include "package/owner.h"
#include "package/reading.h"
#include "package/rpm_listing.h"
#include "util/share.h"

struct rts_package_database;

/* Reads what there is of `tree`, within the limits of package/reading.h, but for rpm's database,
 * which is listed first: that takes its time, and nobody waits for it. `root` tells whose it is in
 * messages, one for each database that cannot be read. Never NULL; one reference. */
struct rts_package_database *rts_package_database_create(const struct rts_tree *tree,
                                                         const char *root);

/* What is left to be done before its answers count. */
enum rts_package_wait {
    RTS_PACKAGE_COMPLETE,
    RTS_PACKAGE_QUEUED,  /* the database of rpm is to be listed */
    RTS_PACKAGE_LISTING, /* that is under way */
    RTS_PACKAGE_READING, /* there is a list, which is being read */
};

/* That of this one. */
enum rts_package_wait rts_package_database_wait(const struct rts_package_database *database);

/* Begins the list of one that is queued, at `now_ns`. The starter must outlive it; `tree`, `root`:
 * as above; `hurried`: the run is about to end. */
void rts_package_database_begin(struct rts_package_database *database, const struct rts_tree *tree,
                                const char *root, struct rts_rpm_starter *starter, bool hurried,
                                uint64_t now_ns);

/* Goes on with what is under way, for some milliseconds. */
void rts_package_database_go_on(struct rts_package_database *database, const struct rts_tree *tree,
                                const char *root);

/* Does without what is left to be done: then it is unreadable. */
void rts_package_database_give_up(struct rts_package_database *database);

/* The list of rpm's database. */
const struct rts_rpm_listing *
rts_package_database_listing(const struct rts_package_database *database);

/* There was a database, and it could not be read, or not as a whole: what it says is not known. */
bool rts_package_database_is_unreadable(const struct rts_package_database *database);

/* The memory that it takes. 0: NULL. */
size_t rts_package_database_bytes(const struct rts_package_database *database);

struct rts_package_database *rts_package_database_ref(struct rts_package_database *database);

/* Counts there what it takes, until it is freed. */
void rts_package_database_use_share(struct rts_package_database *database, struct rts_share *share);

/* Frees it with the last reference. Accepts NULL. */
void rts_package_database_unref(struct rts_package_database *database);

/* Is what was read what `tree` has now? The same files count, and no change of them: a package
 * manager replaces its database as a whole, and the lists of files in their folder. */
bool rts_package_database_is_current(const struct rts_package_database *database,
                                     const struct rts_tree *tree);

/* Do both trees have the very same files of databases, as far as they are looked at? */
bool rts_package_database_is_there(const struct rts_tree *left, const struct rts_tree *right);

/* Fills *owner with the one package that owns `path` inside the root; false when none does. */
bool rts_package_database_owner(const struct rts_package_database *database,
                                const struct rts_tree *tree, const char *path,
                                struct rts_package_owner *owner);

#endif
