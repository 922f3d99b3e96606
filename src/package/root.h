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
#include "package/rpm_turns.h"
#include "util/share.h"

/* " (root 0123456789ab)", or nothing. */
#define RTS_PACKAGE_ROOT_NAME 32

struct rts_package_root {
    uint64_t device, inode; /* 0, 0: our own */
    uint64_t namespace;
    struct rts_tree tree; /* root_fd: owned; -1: our own, or let go of */
    struct rts_payer payer;
    char name[RTS_PACKAGE_ROOT_NAME]; /* tells it apart in messages */
    unsigned pins; /* what waits for its answers: it is held open, and stays, unless it is doomed */
    bool doomed;   /* it goes with the next release */
    /* Private from here on. */
    bool fresh;   /* to be looked at in the next turn (package/root_rpm.h) */
    bool looked;  /* it was, in this window */
    bool current; /* the database has been checked in this window */
    bool shared;  /* it is ours */
    bool late;    /* its database of rpm was, which was said */
    uint64_t last_use;
    uint64_t queued_ns, not_before_ns;     /* of its database of rpm */
    struct rts_package_database *database; /* NULL: not read yet */
};

struct rts_package_roots {
    struct rts_package_root **items;
    size_t count, capacity;
    uint64_t clock;
    uint64_t unreadable;             /* databases that were, in whole or in part */
    uint64_t late;                   /* how often one was not listed in time */
    struct rts_share *share;         /* of all databases */
    struct rts_allowance *allowance; /* borrowed: of the time that reading takes here */
    struct rts_rpm_starter *starter; /* borrowed; NULL: no database of rpm is read */
    bool hurried;                    /* the run is about to end */
    /* Private from here on (package/root_rpm.c). */
    bool fresh;     /* one of them is */
    size_t waiting; /* databases that are not complete */
    bool reading;   /* a list is being read */
    struct rts_rpm_turns turns;
    struct rts_allowance holds; /* of the time that windows wait */
    uint64_t held_ns;           /* until then this one did */
};

/* Closes and frees all. */
void rts_package_roots_finish(struct rts_package_roots *roots);

/* The root of `tree` in the mount namespace `namespace` (an inode), made if need be, and held open.
 * NULL: it cannot be. */
struct rts_package_root *rts_package_roots_get(struct rts_package_roots *roots,
                                               const struct rts_tree *tree, uint64_t namespace);

/* Its databases, read now if they are new, or have changed before this window. Those of rpm are
 * complete only later (package/root_rpm.h). */
const struct rts_package_database *rts_package_roots_database(struct rts_package_roots *roots,
                                                              struct rts_package_root *root);

/* Dooms roots that are pinned, or whose databases are not complete, beyond so many; the same order
 * as below. */
#define RTS_PACKAGE_HELD_MAX 32
void rts_package_roots_doom(struct rts_package_roots *roots);

/* Lets go of all root directories but those, and forgets those beyond a few: of who has the most of
 * them that which was not used for longest. Ours stays. */
void rts_package_roots_release(struct rts_package_roots *roots);

/* Frees databases while the share is over its limit, in the same order of owners, by what theirs
 * take; ours last. */
void rts_package_roots_bound(struct rts_package_roots *roots);

/* Its list, which is under way or not, is so no more: another's turn comes. */
void rts_package_roots_end_list(struct rts_package_roots *roots,
                                const struct rts_package_root *root);

/* Does its database of rpm, one of its own, wait for its list? Then the root is held open. */
static inline bool rts_package_root_waits(const struct rts_package_root *root)
{
    return root->database && !root->shared &&
           rts_package_database_wait(root->database) != RTS_PACKAGE_COMPLETE;
}

#endif
