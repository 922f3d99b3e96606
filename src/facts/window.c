/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/memory.h"
#include "util/table.h"

/* One (process instance, symbol). */
struct line {
    struct rts_fact_process process;
    struct rts_fact_symbol symbol;
    uint64_t load_base;
    uint64_t load_base_ns; /* time of the hit that load_base is of */
    char *module;          /* owned; symbol.module is this */
    uint64_t module_ns;    /* time of the hit that it is of */
    uint64_t samples;
    uint64_t leaf_samples;
    uint64_t first_ns;
};

struct rts_window {
    struct rts_table index;
    struct line **lines;
    size_t count;
    size_t capacity;
    uint64_t hits;
};

struct line_key {
    uint64_t instance;
    const char *symbol_id;
};

/* A finished line and what it is sorted by; `start` is an offset because the buffer may move. */
struct rendered {
    int64_t observed_ms;
    const char *symbol_id;
    const char *bytes;
    size_t start;
    size_t size;
};

struct rts_window *rts_window_create(void)
{
    return rts_calloc(1, sizeof(struct rts_window));
}

static void clear(struct rts_window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        free(window->lines[i]->module);
        free(window->lines[i]);
    }
    window->count = 0;
    window->hits = 0;
    rts_table_clear(&window->index);
}

void rts_window_destroy(struct rts_window *window)
{
    if (!window)
        return;
    clear(window);
    rts_table_finish(&window->index);
    free(window->lines);
    free(window);
}

static bool same_line(const void *item, const void *key)
{
    const struct line *line = item;
    const struct line_key *wanted = key;
    return line->process.instance == wanted->instance &&
           strcmp(line->symbol.symbol_id, wanted->symbol_id) == 0;
}

static struct line *find_or_add(struct rts_window *window, const struct rts_fact_process *process,
                                const struct rts_fact_symbol *symbol)
{
    struct line_key key = {process->instance, symbol->symbol_id};
    uint64_t hash = rts_hash_bytes(symbol->symbol_id, strlen(symbol->symbol_id),
                                   rts_hash_u64(process->instance));
    struct line *line = rts_table_find(&window->index, hash, same_line, &key);
    if (line)
        return line;
    line = rts_calloc(1, sizeof *line);
    line->process = *process;
    line->symbol = *symbol;
    line->first_ns = UINT64_MAX;
    line->load_base_ns = UINT64_MAX;
    line->symbol.module = NULL;
    line->module_ns = UINT64_MAX;
    window->lines =
        rts_grow(window->lines, window->count, &window->capacity, sizeof *window->lines);
    window->lines[window->count++] = line;
    rts_table_add(&window->index, hash, line);
    return line;
}

/* A function may be in files of several names, which are the same or have one build-id: a line has
 * that of its earliest hit, and of several at that time the first in the order of bytes. */
static void keep_module(struct line *line, const char *module, uint64_t time_ns)
{
    bool better = time_ns < line->module_ns ||
                  (time_ns == line->module_ns && line->module && strcmp(module, line->module) < 0);
    if (line->module && !better)
        return;
    if (!line->module || strcmp(module, line->module) != 0) {
        free(line->module);
        line->module = rts_strdup(module);
    }
    line->symbol.module = line->module;
    line->module_ns = time_ns;
}

void rts_window_add(struct rts_window *window, const struct rts_fact_process *process,
                    const struct rts_fact_symbol *symbol, uint64_t load_base, uint64_t samples,
                    uint64_t first_ns, bool leaf)
{
    if (samples == 0)
        return;
    struct line *line = find_or_add(window, process, symbol);
    line->samples += samples;
    window->hits += samples;
    if (leaf)
        line->leaf_samples += samples;
    if (first_ns < line->first_ns)
        line->first_ns = first_ns;
    if (symbol->module)
        keep_module(line, symbol->module, first_ns);
    if (load_base && first_ns < line->load_base_ns) {
        line->load_base = load_base;
        line->load_base_ns = first_ns;
    }
}

size_t rts_window_lines(const struct rts_window *window)
{
    return window->count;
}

struct rts_window_line rts_window_line(const struct rts_window *window, size_t i)
{
    const struct line *line = window->lines[i];
    return (struct rts_window_line){
        .symbol = &line->symbol,
        .samples = line->samples,
        .leaf_samples = line->leaf_samples,
        .first_ns = line->first_ns,
    };
}

size_t rts_window_lines_with_purl(const struct rts_window *window)
{
    size_t count = 0;
    for (size_t i = 0; i < window->count; i++)
        count += window->lines[i]->symbol.purl != NULL;
    return count;
}

uint64_t rts_window_hits_with_purl(const struct rts_window *window)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < window->count; i++)
        hits += window->lines[i]->symbol.purl ? window->lines[i]->samples : 0;
    return hits;
}

uint64_t rts_window_hits(const struct rts_window *window)
{
    return window->hits;
}

static void append_metadata(const struct line *line, const char *evidence,
                            struct rts_outgoing *fact)
{
    const struct rts_fact_symbol *symbol = &line->symbol;
    rts_outgoing_text(fact, RTS_FIELD_ALIASES, symbol->aliases);
    rts_outgoing_text(fact, RTS_FIELD_BUILD_ID_FALLBACK,
                      symbol->build_id_is_file_hash ? "file_hash" : NULL);
    rts_outgoing_text(fact, RTS_FIELD_CAS_URI, evidence);
    rts_outgoing_text(fact, RTS_FIELD_CONTAINER_RUNTIME, line->process.container_runtime);
    rts_outgoing_text(fact, RTS_FIELD_DEMANGLED, symbol->demangled);
    rts_outgoing_text(fact, RTS_FIELD_EVIDENCE,
                      line->leaf_samples ? "sampled-leaf" : "sampled-caller");
    rts_outgoing_text(fact, RTS_FIELD_FILE_IDENTITY, symbol->file_identity);
    rts_outgoing_text(fact, RTS_FIELD_ID_SCHEME, symbol->id_scheme);
    rts_outgoing_text(fact, RTS_FIELD_JOIN, symbol->join_rule);
    if (line->leaf_samples)
        rts_outgoing_number(fact, RTS_FIELD_LEAF_HITS, line->leaf_samples);
    rts_outgoing_text(fact, RTS_FIELD_MODULE, symbol->module);
    rts_outgoing_text(fact, RTS_FIELD_PACKAGE_MODIFIED, symbol->package_modified ? "true" : NULL);
    rts_outgoing_text(fact, RTS_FIELD_STALE_MAPPING, symbol->stale_mapping);
    rts_outgoing_text(fact, RTS_FIELD_SYMBOL, symbol->name);
    rts_outgoing_text(fact, RTS_FIELD_SYMBOL_SOURCE, symbol->source);
}

static void append_line(const struct line *line, const struct rts_fact_options *options,
                        int64_t wall_ns, struct rts_buffer *out)
{
    const struct rts_fact_symbol *symbol = &line->symbol;
    char observed_at[RTS_UTC_TEXT_SIZE], base[24];
    struct rts_outgoing fact;
    rts_format_utc_ms(observed_at, wall_ns);
    snprintf(base, sizeof base, "0x%" PRIx64, line->load_base);

    rts_outgoing_begin(&fact, out, options);
    rts_outgoing_text(&fact, RTS_FIELD_SYMBOL_ID, symbol->symbol_id);
    rts_outgoing_text(&fact, RTS_FIELD_CODE_ID, symbol->code_id);
    rts_outgoing_text(&fact, RTS_FIELD_PURL, symbol->purl);
    rts_outgoing_text(&fact, RTS_FIELD_BUILD_ID, symbol->build_id);
    rts_outgoing_text(&fact, RTS_FIELD_LOADER_BASE, line->load_base ? base : NULL);
    rts_outgoing_number(&fact, RTS_FIELD_PROCESS_ID, (uint64_t)line->process.pid);
    rts_outgoing_text(&fact, RTS_FIELD_PROCESS_NAME, line->process.name);
    rts_outgoing_text(&fact, RTS_FIELD_CONTAINER_ID, line->process.container_id);
    rts_outgoing_text(&fact, RTS_FIELD_SOCKET_ADDRESS, line->process.socket);
    rts_outgoing_text(&fact, RTS_FIELD_EVIDENCE_URI, options->evidence);
    rts_outgoing_number(&fact, RTS_FIELD_HIT_COUNT, line->samples);
    rts_outgoing_text(&fact, RTS_FIELD_OBSERVED_AT, observed_at);
    append_metadata(line, options->evidence, &fact);
    rts_outgoing_end(&fact);
}

static int compare_rendered(const void *left, const void *right)
{
    const struct rendered *a = left, *b = right;
    if (a->observed_ms != b->observed_ms)
        return a->observed_ms < b->observed_ms ? -1 : 1;
    int order = strcmp(a->symbol_id, b->symbol_id);
    if (order == 0)
        order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
    /* No line is the beginning of another: each has its only LF at the end. */
    return order;
}

void rts_window_write(struct rts_window *window, const struct rts_fact_options *options,
                      struct rts_buffer *out)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    struct rendered *lines = rts_calloc(window->count, sizeof *lines);
    for (size_t i = 0; i < window->count; i++) {
        const struct line *line = window->lines[i];
        int64_t wall_ns = (int64_t)(line->first_ns + (uint64_t)options->wall_offset_ns);
        size_t start = text.size;
        append_line(line, options, wall_ns, &text);
        lines[i] = (struct rendered){
            .observed_ms = rts_wall_ms(wall_ns),
            .symbol_id = line->symbol.symbol_id,
            .start = start,
            .size = text.size - start,
        };
    }
    for (size_t i = 0; i < window->count; i++)
        lines[i].bytes = text.data + lines[i].start;
    qsort(lines, window->count, sizeof *lines, compare_rendered);
    for (size_t i = 0; i < window->count; i++)
        rts_buffer_append(out, lines[i].bytes, lines[i].size);
    free(lines);
    rts_buffer_finish(&text);
    clear(window);
}
