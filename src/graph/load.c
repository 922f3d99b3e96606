/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include "graph/input.h"

struct rts_graph *rts_graph_load(const char *path, struct rts_error *error)
{
    struct rts_graph_input *input = rts_graph_input_open(path, error);
    if (!input)
        return NULL;
    struct rts_graph *graph = rts_graph_read(rts_graph_input_read, input, path, error);
    rts_graph_input_close(input);
    return graph;
}
