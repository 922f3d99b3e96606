/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of rtsample-rpm, in a process of its own from the copy of the database on: whatever is
 * slow about it is slow there only.
 */
#ifndef RTS_PACKAGE_RPM_RUN_H
#define RTS_PACKAGE_RPM_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "package/rpm_folder.h"
#include "package/rpm_source.h"

/* How it ended. */
enum rts_rpm_end {
    RTS_RPM_LISTED,
    RTS_RPM_CHANGED,   /* the database was written meanwhile */
    RTS_RPM_TOO_LARGE, /* more than was to be copied */
    RTS_RPM_UNKNOWN,   /* librpm warns and finds nothing: it was built without this kind of
                          database, or that is damaged */
    RTS_RPM_DAMAGED,
    RTS_RPM_UNCOPIED,  /* there is no room for the copy, or the program does not run */
    RTS_RPM_LATE,      /* it was ended since its time was over */
    RTS_RPM_UNSTARTED, /* nobody starts it: that says nothing about the database */
    RTS_RPM_ENDS
};

/* One list that is to be made. */
struct rts_rpm_job {
    struct rts_rpm_source source; /* borrowed */
    uint64_t bytes_max;           /* of both files */
    uint64_t wait_ms;             /* then it is ended */
};

struct rts_rpm_run {
    pid_t pid;
    int list; /* the list is written there */
    struct rts_rpm_folder folder;
};

/* Starts a process that copies the database and becomes `lister`, the path of rtsample-rpm. Returns
 * 0, or -1. */
int rts_rpm_run_start(struct rts_rpm_run *run, const char *lister, const struct rts_rpm_job *job);

/* What came of it, by what waitpid(2) said. */
enum rts_rpm_end rts_rpm_run_end(const struct rts_rpm_run *run, int status);

/* Removes what it left, and closes the list. Its process has ended, or is to be left alone. */
void rts_rpm_run_finish(struct rts_rpm_run *run);

/* Where rtsample-rpm is: installed, or beside ourselves where we have just been built. False: it
 * is nowhere. */
bool rts_rpm_lister_find(char path[PATH_MAX]);

#endif
