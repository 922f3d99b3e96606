/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a whole run has seen, for a union bundle: each symbol once, with its hits over all windows
 * and processes, and each pair of a caller and a callee that were neighbours on a stack. Pure:
 * values in, NDJSON bytes out, in an order that depends on the ids alone.
 *
 * All texts are copied. What finds no room is counted and left out: a graph is of a whole run, and
 * nothing in it can be looked up again.
 */
#ifndef RTS_FACTS_OBSERVED_GRAPH_H
#define RTS_FACTS_OBSERVED_GRAPH_H

#include "facts/outgoing.h"
#include "facts/window.h"
#include "types.h"
#include "util/buffer.h"
#include "util/share.h"

/* Pairs that are kept, in some 80 bytes each; more of them than any program has, unless it makes up
 * its stacks. */
#define RTS_OBSERVED_CALLS_MAX ((size_t)1 << 20)

struct rts_observed_graph;

struct rts_observed_graph *rts_observed_graph_create(void);
void rts_observed_graph_destroy(struct rts_observed_graph *graph);

/* Counts there what it takes. Beyond the limit of the share nothing new is taken in. It must
 * outlive the graph. */
void rts_observed_graph_use_share(struct rts_observed_graph *graph, struct rts_share *share);

/* Counts the lines of a window, before it is written. `wall_offset_ns` as in rts_fact_options. */
void rts_observed_graph_add_window(struct rts_observed_graph *graph,
                                   const struct rts_window *window, int64_t wall_offset_ns);

/* `samples` samples have a stack on which `caller` is next to `callee`. `stack` is another number
 * for each stack, never 0: a pair counts once in a stack, however often it recurs there. */
void rts_observed_graph_add_call(struct rts_observed_graph *graph, const char *caller,
                                 const char *callee, uint64_t samples, uint64_t stack);

/* Distinct symbols, distinct pairs, and the samples' pairs that found no room. */
size_t rts_observed_graph_symbols(const struct rts_observed_graph *graph);
size_t rts_observed_graph_calls(const struct rts_observed_graph *graph);
uint64_t rts_observed_graph_dropped(const struct rts_observed_graph *graph);

/* Lines of symbols that found no room. */
uint64_t rts_observed_graph_dropped_symbols(const struct rts_observed_graph *graph);

/*
 * Each appends one line for each symbol or pair, sorted by the bytes of the ids, and of its purls a
 * symbol has the first in the order of bytes. What is known of a symbol is of lines of our own
 * (rts_window_line), if there is any:
 *
 *     nodes   symbol_id, code_id, build_id (if it may leave), purl, kind, name, display,
 *             symbol_source, id_scheme
 *     calls   from (the caller), to, edge_type, hit_count
 *     facts   symbol_id, code_id, hit_count, leaf_hits, evidence,
 *             first_observed_at, last_observed_at (the earliest and latest of its facts)
 *
 * hit_count is the number of samples whose stack holds the symbol, or the pair.
 * facts/outgoing.h decides what may leave.
 */
void rts_observed_graph_write_nodes(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out);
void rts_observed_graph_write_calls(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out);
void rts_observed_graph_write_facts(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out);

#endif
