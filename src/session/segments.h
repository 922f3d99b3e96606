/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segments of a run whose traces go into bundles (--cas). A segment has a trace of its own,
 * redacted, and its facts say in which bundle that is: they are held until it is packed, which is
 * when its name is known, and then delivered. All segments are in the order of time, and so are
 * their facts. Where no bundle can be made the facts are delivered without one.
 *
 *     flush -> lines held -> ... -> cut: trace to the packer -> packed: URI into the lines ->
 * deliver
 */
#ifndef RTS_SESSION_SEGMENTS_H
#define RTS_SESSION_SEGMENTS_H

#include "facts/held_lines.h"
#include "facts/observed_graph.h"
#include "trace/packer.h"
#include "types.h"

/* One whose facts wait. */
struct rts_segment {
    struct rts_segment *next;
    struct rts_held_lines *lines;
    bool packing; /* its trace is with the packer; else there will be no bundle */
};

struct rts_segments {
    struct rts_packer *packer;
    char config_sha256[RTS_SHA256_HEX_SIZE];
    struct rts_segment *first, **last; /* the oldest first */

    /* The one at hand: */
    bool recording; /* there is a trace, and lines carry the URI that stands for its bundle's */
    struct rts_held_lines *lines;
    struct rts_observed_graph *observed;
    uint64_t began_ns;

    bool failing;             /* bundles cannot be made, which was said */
    struct rts_error failure; /* the first one */
    uint64_t bundles;         /* made */
    uint64_t bare_facts;      /* delivered without one */
    uint64_t lost_facts;      /* that could not be read again from where they were held */
};

#endif
