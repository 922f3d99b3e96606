/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a graph come from: the file itself, or, with libarchive, the entries of an
 * archive that hold nodes, one after the other.
 */
#ifndef RTS_GRAPH_INPUT_H
#define RTS_GRAPH_INPUT_H

#include <stddef.h>

#include "util/error.h"

/* Bytes read from one graph, after unpacking: a small archive can hold a very large file. */
#define RTS_GRAPH_BYTES_MAX (64ULL << 30)

struct rts_graph_input;

/* Opens a file. An archive is known by its first bytes; without libarchive it is refused. */
struct rts_graph_input *rts_graph_input_open(const char *path, struct rts_error *error);
void rts_graph_input_close(struct rts_graph_input *input);

/* An rts_json_read; `input` is the struct rts_graph_input. */
long rts_graph_input_read(void *input, void *bytes, size_t size, struct rts_error *error);

#endif
