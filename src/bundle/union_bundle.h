/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A union bundle: what a run has seen as a ZIP archive of edges.ndjson, facts_runtime.ndjson,
 * meta.json and nodes.ndjson, in this order, with mode 0644, owner 0 and time 0. Equal content
 * gives equal bytes with the same libraries, whatever the time zone. Built without libarchive, this
 * fails and says so.
 */
#ifndef RTS_BUNDLE_UNION_BUNDLE_H
#define RTS_BUNDLE_UNION_BUNDLE_H

#include <stdint.h>

#include "util/buffer.h"
#include "util/error.h"

/* The content, borrowed: lines that end with LF. */
struct rts_union_content {
    const struct rts_buffer *nodes, *edges, *facts;
    uint64_t node_count, edge_count;
    uint64_t edges_dropped;    /* samples of edges that found no room; said when it is not 0 */
    const char *analysis_id;   /* NULL: not given */
    const char *config_sha256; /* NULL: not known */
};

/* Can a bundle be written to `path` in the end? RTS_USAGE when it is known already that not. */
int rts_union_bundle_check(const char *path, struct rts_error *error);

/* Writes the bundle; what is at `path` is replaced when the new one is whole. */
int rts_union_bundle_write(const char *path, const struct rts_union_content *content,
                           struct rts_error *error);

#endif
