/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where facts go when they are lines: the output, the server, bundles; and what is written beside
 * them: the trace, the union bundle, the metrics, the account.
 */
#ifndef RTS_OUTLETS_OUTLETS_H
#define RTS_OUTLETS_OUTLETS_H

#include "facts/metrics.h"
#include "outlets/account_file.h"
#include "outlets/lines_out.h"
#include "outlets/segments.h"

/* Pointers are borrowed. */
struct rts_outlets_setup {
    const struct rts_settings *settings;
    struct rts_account *account;
    struct rts_recorders *recorders; /* NULL: no trace is written, and no bundle made */
    struct rts_share *share;         /* for the union bundle, and the current segment */
    enum rts_delivery_purpose purpose;
    const char *evidence; /* the URI that lines carry where no bundle is made; NULL: none */
};

struct rts_outlets {
    struct rts_outlets_setup setup;
    struct rts_lines_out lines;
    struct rts_segments *segments;       /* NULL: no bundles are made */
    struct rts_observed_graph *observed; /* for the union bundle; NULL: none is asked for */
    struct rts_account_file stats;
    bool metrics_failed; /* the metrics could not be replaced, which was said */
};

/* What was seen, for rts_outlets_end(). */
struct rts_outlets_end {
    bool stopped;              /* the run was told to end */
    uint64_t ended_ns;         /* CLOCK_MONOTONIC */
    const char *config_sha256; /* as in rts_union_file_write() */
};

/* Opens all that the settings ask for; the metrics are written for the first time. */
int rts_outlets_open(struct rts_outlets *outlets, const struct rts_outlets_setup *setup,
                     const struct rts_metrics_facts *metrics, struct rts_error *error);

/* What lines are to carry as the URI of the trace that proves them; NULL: nothing. */
const char *rts_outlets_evidence(const struct rts_outlets *outlets);

/* Who called whom, for the current segment; NULL: nobody asks. */
struct rts_observed_graph *rts_outlets_segment_graph(const struct rts_outlets *outlets);

/* Takes the `count` lines of a window, also when they are none. */
void rts_outlets_take(struct rts_outlets *outlets, const struct rts_buffer *lines, uint64_t count);

/* Replaces the metrics file, if there is to be one. A failure is said once and does not end the
 * run. */
void rts_outlets_update_metrics(struct rts_outlets *outlets,
                                const struct rts_metrics_facts *metrics);

/* Ends the bundles, the output and the delivery, in this order: each of them may wait for others
 * for a while. -1: something did not reach where it was to go; the first reason is in *error. */
int rts_outlets_end_lines(struct rts_outlets *outlets, const struct rts_outlets_end *end,
                          struct rts_error *error);

/* Writes the union bundle, if one is asked for. */
int rts_outlets_end_union(struct rts_outlets *outlets, const struct rts_outlets_end *end,
                          struct rts_error *error);

/* Gives up what has not ended, and frees it all. Accepts outlets that were never opened. */
void rts_outlets_close(struct rts_outlets *outlets);

#endif
