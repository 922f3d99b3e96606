/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists an rpm database by the program rtsample-rpm (rpm/main.c), which alone is linked with
 * librpm. It gets a copy of the database in a folder of its own, so that whatever is wrong with the
 * database is wrong there only; and nobody waits for it. The list has a line
 *
 *     P <tab> name <tab> epoch <tab> version-release <tab> arch
 *
 * for each package, with one for each of its files behind it,
 *
 *     F <tab> digest in hexadecimal, or nothing <tab> path
 *
 * and ends with a line "E".
 */
#ifndef RTS_PACKAGE_RPM_LISTING_H
#define RTS_PACKAGE_RPM_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "package/rpm_starter.h"

/* How the list of one database comes about. */
enum rts_rpm_state {
    RTS_RPM_QUEUED,  /* it has not begun, or is to begin again */
    RTS_RPM_RUNNING, /* under way */
    RTS_RPM_READY,   /* it is there */
    RTS_RPM_FAILED,  /* nothing comes of it; the reason was said */
};

struct rts_rpm_listing {
    enum rts_rpm_state state;
    uint32_t job;        /* package/rpm_starter.h; 0: none */
    unsigned copies;     /* that were out of date before they were listed */
    const char *backend; /* static: of the database that was begun with */
    uint64_t began_ns;   /* of the one under way, or of the last one */
    bool late;           /* how the last one ended */
    bool unstarted;      /* likewise */
    int list;            /* owned, a file without a name; -1: none */
};

/* Is there a database of rpm in the tree? */
bool rts_rpm_listing_is_wanted(const struct rts_tree *tree);

/* Queued. */
void rts_rpm_listing_init(struct rts_rpm_listing *listing);

/* One that is queued begins, at `now_ns`, or fails: when rtsample-rpm is not there, or the database
 * is not there any more. It may take 20 s, 4 s when the database is not of our own root, and 1 s
 * when the run is about to end (`hurried`). `name`: whose it is, for messages, as " (root DIGEST)".
 */
void rts_rpm_listing_begin(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter,
                           const struct rts_tree *tree, const char *name, bool hurried,
                           uint64_t now_ns);

/* Takes the answer for one that runs, if it is there. One that was late, that nobody started, or
 * whose database was written meanwhile is queued again. */
void rts_rpm_listing_look(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter,
                          const char *name);

/* Ends what is under way. */
void rts_rpm_listing_finish(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter);

#endif
