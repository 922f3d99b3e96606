/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where batches go, and what every request says about them, worked out once. Nothing is opened or
 * resolved here.
 */
#ifndef RTS_DELIVERY_ENDPOINT_H
#define RTS_DELIVERY_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "http/header.h"
#include "util/error.h"

enum rts_body_format {
    RTS_BODY_AUTO, /* by the path: structured where it ends with /runtime-facts */
    RTS_BODY_NDJSON,
    RTS_BODY_STRUCTURED,
};

/* What Signals knows a batch by. The first six are query parameters, in this order. */
enum rts_parameter {
    RTS_PARAMETER_CALLGRAPH_ID, /* also the header X-Callgraph-Id */
    RTS_PARAMETER_SCAN_ID,
    RTS_PARAMETER_IMAGE_DIGEST,
    RTS_PARAMETER_COMPONENT,
    RTS_PARAMETER_VERSION,
    RTS_PARAMETER_SOURCE,
    RTS_PARAMETER_ANALYSIS_ID, /* the header X-Analysis-Id only */
    RTS_PARAMETERS,
};

/* All borrowed, for the time of rts_endpoint_init(). */
struct rts_endpoint_options {
    const char *url;
    enum rts_body_format format;
    const char *parameters[RTS_PARAMETERS]; /* NULL: not given, or given in the URL or a header */
    const struct rts_header *headers;
    size_t header_count;
    const char *const *allowed_hosts; /* "host" or "host:port" */
    size_t allowed_host_count;        /* 0: any */
    bool no_facts; /* what is sent is none, and belongs to no callgraph: its id is not required */
    bool
        drain_only; /* only what waits in a spool is sent, and says for itself what it belongs to */
};

struct rts_endpoint {
    char *origin; /* "https://host:port", to show and to send to */
    bool plain;   /* http: only loopback addresses may be connected to */
    bool structured;
    char *path;        /* as in the URL */
    char *other_path;  /* where batches of the other form go */
    char *extra_query; /* parameters of the URL that are none of ours; may hold secrets; or "" */

    /* What is kept with each batch, lines of "path: ", "query: ", "header: " and "withheld: " as
     * spool_file.h says; no secret is in it. NULL when drain_only. */
    char *envelope;
    char *structured_head; /* up to and with "[" of the events; NULL for NDJSON */

    /* Headers that are sent and not kept, since they may be secrets. Owned texts. */
    struct rts_header *withheld;
    size_t withheld_count;
};

/*
 * Checks the options and fills `*endpoint`. RTS_USAGE when the URL is not an https URL (http is for
 * loopback addresses only), holds a user name or a fragment, names a host that is not allowed, when
 * two sources of a parameter differ, or when there is no callgraph id. Texts show the URL up to
 * its path only. On failure there is nothing to finish.
 */
int rts_endpoint_init(struct rts_endpoint *endpoint, const struct rts_endpoint_options *options,
                      struct rts_error *error);
void rts_endpoint_finish(struct rts_endpoint *endpoint);

/* Where a batch of that form goes. */
const char *rts_endpoint_path(const struct rts_endpoint *endpoint, bool structured);

/* Goes through the lines of an envelope, from *at on: true with what follows `key` in the next
 * line that begins with it, in *value, to be freed. */
bool rts_envelope_next(const char **at, const char *key, char **value);

#endif
