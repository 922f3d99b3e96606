/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/union_file.h"

#include <inttypes.h>

#include "bundle/union_bundle.h"
#include "util/log.h"

int rts_union_file_write(const struct rts_observed_graph *observed,
                         const struct rts_settings *settings, const char *config_sha256,
                         struct rts_error *error)
{
    struct rts_buffer nodes = RTS_BUFFER_INIT, edges = RTS_BUFFER_INIT, facts = RTS_BUFFER_INIT;
    const struct rts_fact_options options = {.emit_build_id = settings->collect_build_ids};
    char digest[RTS_SHA256_HEX_SIZE];
    rts_settings_sha256(settings, digest);
    rts_observed_graph_write_nodes(observed, &options, &nodes);
    rts_observed_graph_write_calls(observed, &options, &edges);
    rts_observed_graph_write_facts(observed, &options, &facts);
    struct rts_union_content content = {
        .nodes = &nodes,
        .edges = &edges,
        .facts = &facts,
        .node_count = rts_observed_graph_symbols(observed),
        .edge_count = rts_observed_graph_calls(observed),
        .edges_dropped = rts_observed_graph_dropped(observed),
        .analysis_id = settings->ingest.analysis_id,
        .config_sha256 = config_sha256 ? config_sha256 : digest,
    };
    int result = rts_union_bundle_write(settings->union_path, &content, error);
    uint64_t nodes_dropped = rts_observed_graph_dropped_symbols(observed);
    if (content.edges_dropped + nodes_dropped > 0)
        rts_log("%" PRIu64 " facts and %" PRIu64
                " calls are not in %s, which had reached its limit (Sampler:MaxMemoryBytes, and "
                "%zu different calls)",
                nodes_dropped, content.edges_dropped, settings->union_path, RTS_OBSERVED_CALLS_MAX);
    rts_buffer_finish(&nodes);
    rts_buffer_finish(&edges);
    rts_buffer_finish(&facts);
    return result;
}
