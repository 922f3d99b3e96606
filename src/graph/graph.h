/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A static graph, as far as joining needs it: from (file, address) or (file, name) to the ids of
 * the node. Read once, then only asked. graph/node.h says which spellings are read.
 */
#ifndef RTS_GRAPH_GRAPH_H
#define RTS_GRAPH_GRAPH_H

#include "graph/node.h"
#include "types.h"
#include "util/error.h"

/* Nodes in one graph: some 4 GiB of memory. */
#define RTS_GRAPH_NODES_MAX (32u << 20)

struct rts_graph;

/* Reads a graph file: nodes.ndjson, richgraph JSON, or, when built with libarchive, a ZIP or a tar
 * (also compressed) that holds one, and either compressed alone. NULL on failure, which a damaged
 * file is: the message says where. A file without any node is a failure, too. */
struct rts_graph *rts_graph_load(const char *path, struct rts_error *error);

/* The same from an open stream of JSON; `name` is for messages. */
struct rts_graph *rts_graph_read(rts_json_read read, void *context, const char *name,
                                 struct rts_error *error);
void rts_graph_destroy(struct rts_graph *graph);

/* Nodes that were read, and those of them that say of which file they are and an address or a name.
 */
uint64_t rts_graph_nodes(const struct rts_graph *graph);
uint64_t rts_graph_joinable(const struct rts_graph *graph);

/* What a function is known by. Strings borrowed. */
struct rts_graph_query {
    const char *build_id;       /* bare lowercase hexadecimal; NULL: none */
    const char *file_sha256;    /* likewise; NULL: none, or not wanted */
    bool has_address;           /* false: an inlined function has no address of its own */
    uint64_t address;           /* link-time address of the first byte */
    const char *name;           /* linkage name; NULL: it has none */
    const char *const *aliases; /* NULL-terminated; NULL: none */
};

/* Strings owned by the graph, `rule` static. */
struct rts_graph_match {
    const char *symbol_id;
    const char *code_id; /* NULL: the node has none */
    const char *rule;    /* "build-id+address", "file-hash+name", … */
};

/* The node of a function: the one at its address (of several the one with its name, then with an
 * alias of it, then with the first symbol id in byte order); else the one that has its name, then
 * an alias. Fills *match when RTS_JOIN_JOINED is returned. */
enum rts_join rts_graph_find(const struct rts_graph *graph, const struct rts_graph_query *query,
                             struct rts_graph_match *match);

/* Does the file with this build-id have nodes? If not, its hash may be worth computing: when
 * rts_graph_has_hashes(). */
bool rts_graph_knows_build_id(const struct rts_graph *graph, const char *build_id);
bool rts_graph_has_hashes(const struct rts_graph *graph);

#endif
