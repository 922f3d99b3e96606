/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: what waits goes out, and people are told what was sampled. */
#ifndef RTS_SESSION_CLOSING_H
#define RTS_SESSION_CLOSING_H

#include "session/line.h"

/* What is different for live runs and replays; functions get `context`. */
struct rts_closing {
    void *context;
    bool stopped;                                               /* the run was told to end */
    uint32_t frequency;                                         /* Hz, for people; 0: not known */
    const char *config_sha256;                                  /* as in struct rts_outlets_end */
    int (*end_target)(void *context, struct rts_error *error);  /* when all lines are out */
    int (*say_unseen)(void *context, struct rts_error *error);  /* after the summary */
    void (*describe)(void *context, struct rts_run_facts *run); /* what is not of the line */
};

/* Ends the outlets, prints the summary and writes --stats. -1: something failed, of which *error
 * has the first; all of it is done in any case. */
int rts_close(struct rts_line *line, const struct rts_closing *closing, struct rts_error *error);

#endif
