/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/observed_graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/table.h"

/* Of a table of which a third is in use. */
#define SLOT_BYTES (3 * sizeof(struct rts_table_slot))

struct observed_symbol {
    struct rts_fact_symbol symbol; /* its texts are owned; its purl is not used, but the one below,
                                      nor its module */
    char *purl;                    /* owned */
    uint64_t samples, leaf_samples;
    int64_t first_ns, last_ns; /* wall time */
    bool ours;                 /* one of ours has it, whose word counts alone */
};

struct observed_call {
    const char *caller, *callee;
    uint64_t samples;
    uint64_t last_stack;
};

struct rts_observed_graph {
    struct rts_table ids; /* char *, owned: callers and callees, each once */
    struct rts_table symbols, calls;
    uint64_t dropped, dropped_symbols;
    struct rts_share own, *share; /* the one in use; its own until it is given another */
    size_t bytes;
};

struct rts_observed_graph *rts_observed_graph_create(void)
{
    struct rts_observed_graph *graph = rts_calloc(1, sizeof *graph);
    graph->share = &graph->own;
    return graph;
}

void rts_observed_graph_use_share(struct rts_observed_graph *graph, struct rts_share *share)
{
    graph->share = share;
}

static void grow(struct rts_observed_graph *graph, size_t bytes)
{
    graph->bytes += bytes;
    rts_share_add(graph->share, bytes);
}

static char *own_text(struct rts_observed_graph *graph, const char *text)
{
    if (text)
        grow(graph, rts_heap_bytes(strlen(text) + 1));
    return text ? rts_strdup(text) : NULL;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text);
}

static void free_texts(const struct observed_symbol *seen)
{
    free_text(seen->symbol.symbol_id);
    free_text(seen->symbol.code_id);
    free_text(seen->symbol.build_id);
    free_text(seen->symbol.name);
    free_text(seen->symbol.demangled);
    free(seen->purl);
}

static void destroy_symbol(struct observed_symbol *seen)
{
    free_texts(seen);
    free(seen);
}

void rts_observed_graph_destroy(struct rts_observed_graph *graph)
{
    size_t position = 0;
    if (!graph)
        return;
    for (struct observed_symbol *seen; (seen = rts_table_next(&graph->symbols, &position));)
        destroy_symbol(seen);
    position = 0;
    for (char *id; (id = rts_table_next(&graph->ids, &position));)
        free(id);
    position = 0;
    for (struct observed_call *call; (call = rts_table_next(&graph->calls, &position));)
        free(call);
    rts_table_finish(&graph->ids);
    rts_table_finish(&graph->symbols);
    rts_table_finish(&graph->calls);
    rts_share_take(graph->share, graph->bytes);
    free(graph);
}

/* ---- counting ---- */

static bool same_symbol(const void *item, const void *key)
{
    const struct observed_symbol *seen = item;
    return strcmp(seen->symbol.symbol_id, key) == 0;
}

static bool same_call(const void *item, const void *key)
{
    const struct observed_call *call = item, *wanted = key;
    return call->caller == wanted->caller && call->callee == wanted->callee;
}

/* The first of them in the order of bytes, so that it does not matter which came first. */
static void take_purl(struct rts_observed_graph *graph, struct observed_symbol *seen,
                      const char *purl)
{
    if (!purl || (seen->purl && strcmp(seen->purl, purl) <= 0))
        return;
    free(seen->purl);
    seen->purl = own_text(graph, purl);
}

static uint64_t hash_id(const char *id)
{
    return rts_hash_bytes(id, strlen(id), 0);
}

static bool is_full(const struct rts_observed_graph *graph)
{
    return graph->share->limit > 0 && graph->bytes >= graph->share->limit;
}

static void take_texts(struct rts_observed_graph *graph, struct observed_symbol *seen,
                       const struct rts_fact_symbol *symbol)
{
    seen->symbol = *symbol; /* the words in it are static */
    seen->symbol.symbol_id = own_text(graph, symbol->symbol_id);
    seen->symbol.code_id = own_text(graph, symbol->code_id);
    seen->symbol.build_id = own_text(graph, symbol->build_id);
    seen->symbol.name = own_text(graph, symbol->name);
    seen->symbol.demangled = own_text(graph, symbol->demangled);
    seen->symbol.aliases = seen->symbol.purl = seen->symbol.stale_mapping = NULL;
    seen->symbol.module = NULL;
}

static struct observed_symbol *add_symbol(struct rts_observed_graph *graph, uint64_t hash,
                                          const struct rts_fact_symbol *symbol, int64_t wall_ns)
{
    struct observed_symbol *seen = rts_calloc(1, sizeof *seen);
    take_texts(graph, seen, symbol);
    seen->first_ns = seen->last_ns = wall_ns;
    rts_table_add(&graph->symbols, hash, seen);
    grow(graph, rts_heap_bytes(sizeof *seen) + SLOT_BYTES);
    return seen;
}

/* What a file says of a function, and its package, anyone can have said in a file of their own that
 * claims the same build-id: nobody's word counts beside that of one of ours. */
static void believe(struct rts_observed_graph *graph, struct observed_symbol *seen,
                    const struct rts_window_line *line)
{
    if (line->ours && !seen->ours) {
        const struct observed_symbol before = *seen;
        take_texts(graph, seen, line->symbol);
        seen->purl = NULL;
        seen->ours = true;
        free_texts(&before);
    }
    if (line->ours == seen->ours)
        take_purl(graph, seen, line->symbol->purl);
}

static void add_line(struct rts_observed_graph *graph, const struct rts_window_line *line,
                     int64_t wall_ns)
{
    uint64_t hash = hash_id(line->symbol->symbol_id);
    struct observed_symbol *seen =
        rts_table_find(&graph->symbols, hash, same_symbol, line->symbol->symbol_id);
    if (!seen && is_full(graph)) {
        graph->dropped_symbols++;
        return;
    }
    if (!seen)
        seen = add_symbol(graph, hash, line->symbol, wall_ns);
    seen->samples += line->samples;
    seen->leaf_samples += line->leaf_samples;
    if (wall_ns < seen->first_ns)
        seen->first_ns = wall_ns;
    if (wall_ns > seen->last_ns)
        seen->last_ns = wall_ns;
    believe(graph, seen, line);
}

void rts_observed_graph_add_window(struct rts_observed_graph *graph,
                                   const struct rts_window *window, int64_t wall_offset_ns)
{
    for (size_t i = 0; i < rts_window_lines(window); i++) {
        struct rts_window_line line = rts_window_line(window, i);
        add_line(graph, &line, (int64_t)(line.first_ns + (uint64_t)wall_offset_ns));
    }
}

static bool same_text(const void *item, const void *key)
{
    return strcmp(item, key) == 0;
}

/* The graph's own copy of an id, so that equal ones are the same pointer. */
static const char *intern(struct rts_observed_graph *graph, const char *id)
{
    uint64_t hash = hash_id(id);
    char *known = rts_table_find(&graph->ids, hash, same_text, id);
    if (known || is_full(graph))
        return known;
    known = own_text(graph, id);
    rts_table_add(&graph->ids, hash, known);
    grow(graph, SLOT_BYTES);
    return known;
}

void rts_observed_graph_add_call(struct rts_observed_graph *graph, const char *caller,
                                 const char *callee, uint64_t samples, uint64_t stack)
{
    struct observed_call key = {.caller = intern(graph, caller), .callee = intern(graph, callee)};
    uint64_t hash = rts_hash_u64(rts_hash_u64((uint64_t)(uintptr_t)key.caller) +
                                 (uint64_t)(uintptr_t)key.callee);
    struct observed_call *call = rts_table_find(&graph->calls, hash, same_call, &key);
    if (!call && (!key.caller || !key.callee || is_full(graph) ||
                  graph->calls.count >= RTS_OBSERVED_CALLS_MAX)) {
        graph->dropped += samples;
        return;
    }
    if (!call) {
        call = rts_calloc(1, sizeof *call);
        *call = key;
        rts_table_add(&graph->calls, hash, call);
        grow(graph, rts_heap_bytes(sizeof *call) + SLOT_BYTES);
    }
    if (call->last_stack != stack)
        call->samples += samples;
    call->last_stack = stack;
}

size_t rts_observed_graph_symbols(const struct rts_observed_graph *graph)
{
    return graph->symbols.count;
}

size_t rts_observed_graph_calls(const struct rts_observed_graph *graph)
{
    return graph->calls.count;
}

uint64_t rts_observed_graph_dropped(const struct rts_observed_graph *graph)
{
    return graph->dropped;
}

uint64_t rts_observed_graph_dropped_symbols(const struct rts_observed_graph *graph)
{
    return graph->dropped_symbols;
}

/* ---- writing ---- */

static int compare_symbols(const void *left, const void *right)
{
    const struct observed_symbol *const *a = left, *const *b = right;
    return strcmp((*a)->symbol.symbol_id, (*b)->symbol.symbol_id);
}

static int compare_calls(const void *left, const void *right)
{
    const struct observed_call *const *a = left, *const *b = right;
    int order = strcmp((*a)->caller, (*b)->caller);
    return order != 0 ? order : strcmp((*a)->callee, (*b)->callee);
}

/* All items of a table, in order; to be freed. */
static void *sort_items(const struct rts_table *table, int (*compare)(const void *, const void *))
{
    void **items = rts_calloc(table->count + 1, sizeof *items);
    size_t position = 0, count = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        items[count++] = item;
    qsort(items, count, sizeof *items, compare);
    return items;
}

/* Appends `"key":"value"` behind a separator, or nothing when there is no value, or when this field
 * of a fact may not leave. */
static void append_text(struct rts_buffer *out, enum rts_fact_field field,
                        const struct rts_fact_options *options, const char *separator,
                        const char *key, const char *value)
{
    if (!value || !rts_outgoing_may_leave(field, options))
        return;
    rts_buffer_format(out, "%s\"%s\":", separator, key);
    rts_json_string(out, value);
}

void rts_observed_graph_write_nodes(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out)
{
    struct observed_symbol **items = sort_items(&graph->symbols, compare_symbols);
    for (size_t i = 0; i < graph->symbols.count; i++) {
        const struct rts_fact_symbol *symbol = &items[i]->symbol;
        append_text(out, RTS_FIELD_SYMBOL_ID, options, "{", "symbol_id", symbol->symbol_id);
        append_text(out, RTS_FIELD_CODE_ID, options, ",", "code_id", symbol->code_id);
        append_text(out, RTS_FIELD_BUILD_ID, options, ",", "build_id", symbol->build_id);
        append_text(out, RTS_FIELD_PURL, options, ",", "purl", items[i]->purl);
        rts_buffer_text(out, ",\"kind\":\"function\"");
        append_text(out, RTS_FIELD_SYMBOL, options, ",", "name", symbol->name);
        append_text(out, RTS_FIELD_DEMANGLED, options, ",", "display",
                    symbol->demangled ? symbol->demangled : symbol->name);
        append_text(out, RTS_FIELD_SYMBOL_SOURCE, options, ",", "symbol_source", symbol->source);
        append_text(out, RTS_FIELD_ID_SCHEME, options, ",", "id_scheme", symbol->id_scheme);
        rts_buffer_text(out, "}\n");
    }
    free(items);
}

void rts_observed_graph_write_calls(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out)
{
    struct observed_call **items = sort_items(&graph->calls, compare_calls);
    for (size_t i = 0; i < graph->calls.count; i++) {
        append_text(out, RTS_FIELD_SYMBOL_ID, options, "{", "from", items[i]->caller);
        append_text(out, RTS_FIELD_SYMBOL_ID, options, ",", "to", items[i]->callee);
        rts_buffer_format(out, ",\"edge_type\":\"call\",\"hit_count\":%" PRIu64 "}\n",
                          items[i]->samples);
    }
    free(items);
}

void rts_observed_graph_write_facts(const struct rts_observed_graph *graph,
                                    const struct rts_fact_options *options, struct rts_buffer *out)
{
    struct observed_symbol **items = sort_items(&graph->symbols, compare_symbols);
    for (size_t i = 0; i < graph->symbols.count; i++) {
        const struct observed_symbol *seen = items[i];
        char first[RTS_UTC_TEXT_SIZE], last[RTS_UTC_TEXT_SIZE];
        rts_format_utc_ms(first, seen->first_ns);
        rts_format_utc_ms(last, seen->last_ns);
        append_text(out, RTS_FIELD_SYMBOL_ID, options, "{", "symbol_id", seen->symbol.symbol_id);
        append_text(out, RTS_FIELD_CODE_ID, options, ",", "code_id", seen->symbol.code_id);
        rts_buffer_format(out, ",\"hit_count\":%" PRIu64 ",\"leaf_hits\":%" PRIu64, seen->samples,
                          seen->leaf_samples);
        append_text(out, RTS_FIELD_EVIDENCE, options, ",", "evidence",
                    seen->leaf_samples ? "sampled-leaf" : "sampled-caller");
        append_text(out, RTS_FIELD_OBSERVED_AT, options, ",", "first_observed_at", first);
        append_text(out, RTS_FIELD_OBSERVED_AT, options, ",", "last_observed_at", last);
        rts_buffer_text(out, "}\n");
    }
    free(items);
}
