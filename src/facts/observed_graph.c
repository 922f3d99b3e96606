/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/observed_graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/table.h"

struct observed_symbol {
    struct rts_fact_symbol symbol; /* its purl is not used, but the one below, nor its module */
    char *purl;                    /* owned */
    uint64_t samples, leaf_samples;
    int64_t first_ns, last_ns; /* wall time */
};

struct observed_call {
    const char *caller, *callee;
    uint64_t samples;
    uint64_t last_stack;
};

struct rts_observed_graph {
    struct rts_table symbols, calls;
    uint64_t dropped;
};

struct rts_observed_graph *rts_observed_graph_create(void)
{
    return rts_calloc(1, sizeof(struct rts_observed_graph));
}

void rts_observed_graph_destroy(struct rts_observed_graph *graph)
{
    size_t position = 0;
    if (!graph)
        return;
    for (struct observed_symbol *seen; (seen = rts_table_next(&graph->symbols, &position));) {
        free(seen->purl);
        free(seen);
    }
    position = 0;
    for (struct observed_call *call; (call = rts_table_next(&graph->calls, &position));)
        free(call);
    rts_table_finish(&graph->symbols);
    rts_table_finish(&graph->calls);
    free(graph);
}

/* ---- counting ---- */

static bool same_symbol(const void *item, const void *key)
{
    const struct observed_symbol *seen = item;
    return seen->symbol.symbol_id == key;
}

static bool same_call(const void *item, const void *key)
{
    const struct observed_call *call = item, *wanted = key;
    return call->caller == wanted->caller && call->callee == wanted->callee;
}

/* The first of them in the order of bytes, so that it does not matter which came first. */
static void take_purl(struct observed_symbol *seen, const char *purl)
{
    if (!purl || (seen->purl && strcmp(seen->purl, purl) <= 0))
        return;
    free(seen->purl);
    seen->purl = rts_strdup(purl);
}

static void add_line(struct rts_observed_graph *graph, const struct rts_window_line *line,
                     int64_t wall_ns)
{
    const char *id = line->symbol->symbol_id;
    uint64_t hash = rts_hash_u64((uint64_t)(uintptr_t)id);
    struct observed_symbol *seen = rts_table_find(&graph->symbols, hash, same_symbol, id);
    if (!seen) {
        seen = rts_calloc(1, sizeof *seen);
        seen->symbol = *line->symbol;
        seen->symbol.module = NULL; /* it goes with the window */
        seen->first_ns = seen->last_ns = wall_ns;
        rts_table_add(&graph->symbols, hash, seen);
    }
    seen->samples += line->samples;
    seen->leaf_samples += line->leaf_samples;
    if (wall_ns < seen->first_ns)
        seen->first_ns = wall_ns;
    if (wall_ns > seen->last_ns)
        seen->last_ns = wall_ns;
    take_purl(seen, line->symbol->purl);
}

void rts_observed_graph_add_window(struct rts_observed_graph *graph,
                                   const struct rts_window *window, int64_t wall_offset_ns)
{
    for (size_t i = 0; i < rts_window_lines(window); i++) {
        struct rts_window_line line = rts_window_line(window, i);
        add_line(graph, &line, (int64_t)(line.first_ns + (uint64_t)wall_offset_ns));
    }
}

void rts_observed_graph_add_call(struct rts_observed_graph *graph, const char *caller,
                                 const char *callee, uint64_t samples, uint64_t stack)
{
    struct observed_call key = {.caller = caller, .callee = callee};
    uint64_t hash =
        rts_hash_u64(rts_hash_u64((uint64_t)(uintptr_t)caller) + (uint64_t)(uintptr_t)callee);
    struct observed_call *call = rts_table_find(&graph->calls, hash, same_call, &key);
    if (!call && graph->calls.count >= RTS_OBSERVED_CALLS_MAX) {
        graph->dropped += samples;
        return;
    }
    if (!call) {
        call = rts_calloc(1, sizeof *call);
        *call = key;
        rts_table_add(&graph->calls, hash, call);
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
