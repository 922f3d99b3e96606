/* SPDX-License-Identifier: Apache-2.0 */
/* The static graph whose ids facts are to carry. */
#include "session/session.h"

#include <inttypes.h>

#include "util/log.h"

int rts_session_load_graph(struct rts_session *session, struct rts_error *error)
{
    const char *path = session->settings->graph_path;
    if (!path)
        return 0;
    session->graph = rts_graph_load(path, error);
    if (!session->graph)
        return -1;
    uint64_t nodes = rts_graph_nodes(session->graph);
    uint64_t joinable = rts_graph_joinable(session->graph);
    if (joinable < nodes)
        rts_log("%s: only %" PRIu64 " of %" PRIu64
                " nodes say of which file they are, and an address or a name",
                path, joinable, nodes);
    session->account.graph_nodes = nodes;
    rts_symbol_table_use_graph(session->symbols, session->graph);
    return 0;
}

void rts_session_list_unjoined(const struct rts_session *session, struct rts_run_facts *run)
{
    size_t position = 0;
    if (!session->graph)
        return;
    for (const struct rts_symbol *symbol;
         (symbol = rts_symbol_table_next(session->symbols, &position));) {
        struct rts_unjoined unjoined = {
            .symbol = symbol->name,
            .build_id = symbol->build_id,
            .hits = symbol->total_hits,
            .reason = symbol->join,
        };
        if (symbol->join != RTS_JOIN_JOINED && symbol->total_hits > 0)
            rts_run_facts_add_unjoined(run, &unjoined);
    }
}
