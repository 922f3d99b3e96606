/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of a static graph as files spell it. Two forms are documented, the nodes.ndjson of a
 * union bundle (one node a line) and richgraph-v1 (one object with an array "nodes"), and the
 * documents leave open how a node says where its code lies. What is accepted here, and nowhere
 * else:
 *
 *     id         symbol_id, symbolId; else id
 *     code id    code_id, codeId
 *     build-id   build_id, buildId: hexadecimal, with or without "gnu-build-id:" or "buildid-";
 *                else a code id that begins with "buildid-"
 *     file hash  file_sha256, fileSha256, file_hash, fileHash: with or without "sha256:"; also a
 *                build_id that begins with "sha256:", and a code id that begins with "sha256-"
 *     address    address, addr: a number, or a text: 0x and hexadecimal digits, or decimal digits;
 *                the link-time address of the function's first byte
 *     name       symbol.mangled, mangled, linkage_name; else name, symbol_name, or symbol when it
 *                is a text; else display. The linkage name.
 *
 * each in the node itself or in one of its objects "symbol", "attributes" and "metadata". Other
 * members are passed over.
 */
#ifndef RTS_GRAPH_NODE_H
#define RTS_GRAPH_NODE_H

#include "types.h"
#include "util/json_scan.h"

/* An id is a prefix and a digest, or a package URL and a function. */
#define RTS_GRAPH_ID_MAX 4096
/* As for the names of symbols; a node with a longer one has no name. */
#define RTS_GRAPH_NAME_MAX 16384

/* What is known of one node; texts without NUL, empty when not given. */
struct rts_graph_text {
    const char *bytes;
    size_t size;
};

struct rts_graph_node {
    struct rts_graph_text symbol_id, code_id, name;
    struct rts_graph_text build_id;    /* bare lowercase hexadecimal */
    struct rts_graph_text file_sha256; /* 64 of them */
    uint64_t address;
    bool has_address;
};

struct rts_graph_reader;

/* Reads nodes from `scan`, which stays the caller's. */
struct rts_graph_reader *rts_graph_reader_create(struct rts_json_scan *scan);
void rts_graph_reader_destroy(struct rts_graph_reader *reader);

/* Reads the whole input and calls `take` for each node that has an id; the node is valid during
 * the call. `take` returns false to end the reading. False on failure, or when take said so. */
bool rts_graph_reader_run(struct rts_graph_reader *reader,
                          bool (*take)(void *context, const struct rts_graph_node *node),
                          void *context);

#endif
