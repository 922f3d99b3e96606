/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root directories, as mount namespaces show them, with the databases below them. What a database
 * says is said of files of its own root only: nobody chooses packages for others. That of our own
 * root is the host's, and is read with our own rights; others with those of a process there.
 */
#ifndef RTS_PACKAGE_ROOT_H
#define RTS_PACKAGE_ROOT_H

#include "broker/tree.h"
#include "package/allowance.h"
#include "package/database.h"
#include "util/share.h"

/* " (root 0123456789ab)", or nothing. */
#define RTS_PACKAGE_ROOT_NAME 32

struct rts_package_root {
    uint64_t device, inode; /* 0, 0: our own */
    uint64_t namespace;
    struct rts_tree tree; /* root_fd: owned; -1: our own, or let go of */
    struct rts_payer payer;
    char name[RTS_PACKAGE_ROOT_NAME]; /* tells it apart in messages */
    /* Private from here on. */
    bool current; /* the database has been checked in this window */
    bool shared;  /* it is ours */
    uint64_t last_use;
    struct rts_package_database *database; /* NULL: not read yet */
};

struct rts_package_roots {
    struct rts_package_root **items;
    size_t count, capacity;
    uint64_t clock;
    uint64_t unreadable;             /* databases that were, in whole or in part */
    struct rts_share *share;         /* of all databases */
    struct rts_rpm_starter *starter; /* borrowed; NULL: rtsample-rpm is started by ourselves */
    bool hurried;                    /* the run is about to end */
};

/* Closes and frees all. */
void rts_package_roots_finish(struct rts_package_roots *roots);

/* The root of `tree` in the mount namespace `namespace` (an inode), made if need be, and held open.
 * NULL: it cannot be. */
struct rts_package_root *rts_package_roots_get(struct rts_package_roots *roots,
                                               const struct rts_tree *tree, uint64_t namespace);

/* Its databases, read now if they are new, or have changed before this window. */
const struct rts_package_database *rts_package_roots_database(struct rts_package_roots *roots,
                                                              struct rts_package_root *root);

/* Lets go of all root directories, and forgets those beyond a few: of who has the most of them that
 * which was not used for longest. Ours stays. */
void rts_package_roots_release(struct rts_package_roots *roots);

/* Frees databases while the share is over its limit, in the same order of owners, by what theirs
 * take; ours last. */
void rts_package_roots_bound(struct rts_package_roots *roots);

#endif
