/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segments of a run whose traces go into bundles (--cas). A segment has a trace of its own,
 * redacted, and its facts say in which bundle that is: they are held until it is packed, which is
 * when its name is known, and then delivered. All segments are in the order of time, and so are
 * their facts. Where no bundle can be made the facts are delivered without one.
 *
 *     flush -> lines held -> ... -> cut: trace to the packer -> packed: URI into the lines -> out
 */
#ifndef RTS_OUTLETS_SEGMENTS_H
#define RTS_OUTLETS_SEGMENTS_H

#include "facts/observed_graph.h"
#include "outlets/lines_out.h"
#include "recording/recorders.h"

/* What segments are made with; pointers are borrowed. */
struct rts_segments_setup {
    const struct rts_settings *settings;
    struct rts_recorders *recorders; /* have the trace of the current segment */
    struct rts_lines_out *out;
    struct rts_share *share; /* for what the current segment has seen */
};

struct rts_segments;

/* Begins the first one. NULL: there can be no bundles. */
struct rts_segments *rts_segments_open(const struct rts_segments_setup *setup,
                                       struct rts_error *error);

/* What lines are to carry for the URI of their bundle; NULL: nothing. */
const char *rts_segments_evidence(const struct rts_segments *segments);

/* Who called whom in the current segment; NULL: that is not wanted, as it has no trace. */
struct rts_observed_graph *rts_segments_graph(const struct rts_segments *segments);

/* Keeps the lines of a flush until their bundle has its name, begins the next segment when this one
 * is long enough, and delivers the facts of those that are packed. */
void rts_segments_take(struct rts_segments *segments, const struct rts_buffer *lines,
                       uint64_t count);

/* Packs what is left and delivers all that waits; frees the segments in any case. `stopped`: the
 * run was told to end, at `ended_ns` of CLOCK_MONOTONIC. -1: some facts have no bundle. Accepts
 * NULL. */
int rts_segments_end(struct rts_segments *segments, bool stopped, uint64_t ended_ns,
                     struct rts_account *account, struct rts_error *error);

/* Gives everything up. Accepts NULL. */
void rts_segments_close(struct rts_segments *segments);

#endif
