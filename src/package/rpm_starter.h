/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts rtsample-rpm (rpm/main.c). A run does not do so itself: that takes the right to execute
 * programs and to become somebody else, which it gives up once all is open. So a small process of
 * ours is forked before, which does nothing but start that program when it is asked to.
 */
#ifndef RTS_PACKAGE_RPM_STARTER_H
#define RTS_PACKAGE_RPM_STARTER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct rts_rpm_starter;

/* One list that is to be made. */
struct rts_rpm_job {
    const char *backend; /* rpm's word for the kind of database; up to 15 letters */
    const char
        *folder; /* absolute; it has nothing but the database, and will be nobody's meanwhile */
    int list;    /* borrowed; the list is written there */
    uint64_t wait_ms; /* then it is ended */
};

/* Where rtsample-rpm is: installed, or beside ourselves where we have just been built. False: it
 * is nowhere. */
bool rts_rpm_lister_find(char path[PATH_MAX]);

/* Forks the process, with what it needs alone (sealing/seal.h); none where there is no rtsample-rpm
 * now. To be called while there is one thread and little is open. NULL: it failed. */
struct rts_rpm_starter *rts_rpm_starter_create(struct rts_error *error);

/* Ends the process. Accepts NULL. */
void rts_rpm_starter_destroy(struct rts_rpm_starter *starter);

/* Its process; 0: there is none. */
int32_t rts_rpm_starter_pid(const struct rts_rpm_starter *starter);

/* Has the job done, and waits for that. NULL: by ourselves. Returns the exit status of
 * rtsample-rpm, or -1. */
int rts_rpm_starter_run(struct rts_rpm_starter *starter, const struct rts_rpm_job *job);

#endif
