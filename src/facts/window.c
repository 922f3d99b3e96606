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
    size_t bytes;                 /* of the lines, and of the text that they become */
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

/* Of a line in the list and in the index; what is the same in every text, more or less. */
#define PLACE_BYTES (2 * sizeof(void *) + 2 * sizeof(struct rts_table_slot))
#define TEXT_BYTES  400

struct line_key {
    uint64_t instance, file;
    const char *symbol_id;
};

/* A line and what it is sorted by first. */
struct placed {
    int64_t observed_ms;
    const struct line *line;
};

/* A finished line; `start` is an offset because the buffer may move. */
struct rendered {
    const char *bytes;
    size_t start;
    size_t size;
};

struct rts_window *rts_window_create(void)
{
    struct rts_window *window = rts_calloc(1, sizeof *window);
    window->share = &window->own;
    return window;
}

void rts_window_use_share(struct rts_window *window, struct rts_share *share)
{
    window->share = share;
}

static void clear(struct rts_window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        free(window->lines[i]->module);
        free(window->lines[i]);
    }
    rts_share_take(window->share, window->bytes);
    window->count = 0;
    window->hits = 0;
    window->bytes = 0;
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
    return line->process.instance == wanted->instance && line->symbol.file == wanted->file &&
           strcmp(line->symbol.symbol_id, wanted->symbol_id) == 0;
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static size_t bytes_of(const struct line *line)
{
    const struct rts_fact_symbol *symbol = &line->symbol;
    return rts_heap_bytes(sizeof *line) + PLACE_BYTES + TEXT_BYTES + length(symbol->symbol_id) +
           length(symbol->code_id) + length(symbol->build_id) + length(symbol->name) +
           length(symbol->demangled) + length(symbol->aliases) + length(symbol->purl);
}

static struct line *find_or_add(struct rts_window *window, const struct rts_fact_process *process,
                                const struct rts_fact_symbol *symbol)
{
    struct line_key key = {process->instance, symbol->file, symbol->symbol_id};
    uint64_t hash = rts_hash_bytes(symbol->symbol_id, strlen(symbol->symbol_id),
                                   rts_hash_u64(process->instance) ^ symbol->file);
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
    window->bytes += bytes_of(line);
    rts_share_add(window->share, bytes_of(line));
    return line;
}

/* A function may be in files of several names, which have the same content: a line has
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
        .ours = line->process.ours,
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

static int64_t wall_time(const struct line *line, const struct rts_fact_options *options)
{
    return (int64_t)(line->first_ns + (uint64_t)options->wall_offset_ns);
}

static void append_line(const struct line *line, const struct rts_fact_options *options,
                        struct rts_buffer *out)
{
    const struct rts_fact_symbol *symbol = &line->symbol;
    char observed_at[RTS_UTC_TEXT_SIZE], base[24];
    struct rts_outgoing fact;
    rts_format_utc_ms(observed_at, wall_time(line, options));
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

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    if (a->observed_ms != b->observed_ms)
        return a->observed_ms < b->observed_ms ? -1 : 1;
    return strcmp(a->line->symbol.symbol_id, b->line->symbol.symbol_id);
}

/* No line is the beginning of another: each has its only LF at the end. */
static int compare_rendered(const void *left, const void *right)
{
    const struct rendered *a = left, *b = right;
    return memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
}

/* Lines that only their text tells apart: of one function in several processes. */
static void append_alike(const struct placed *lines, size_t count,
                         const struct rts_fact_options *options, struct rts_buffer *out)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    struct rendered *rendered = rts_calloc(count, sizeof *rendered);
    for (size_t i = 0; i < count; i++) {
        rendered[i].start = text.size;
        append_line(lines[i].line, options, &text);
        rendered[i].size = text.size - rendered[i].start;
    }
    for (size_t i = 0; i < count; i++)
        rendered[i].bytes = text.data + rendered[i].start;
    qsort(rendered, count, sizeof *rendered, compare_rendered);
    for (size_t i = 0; i < count; i++)
        rts_buffer_append(out, rendered[i].bytes, rendered[i].size);
    free(rendered);
    rts_buffer_finish(&text);
}

void rts_window_write(struct rts_window *window, const struct rts_fact_options *options,
                      struct rts_buffer *out)
{
    struct placed *lines = rts_calloc(window->count, sizeof *lines);
    for (size_t i = 0; i < window->count; i++)
        lines[i] = (struct placed){
            .observed_ms = rts_wall_ms(wall_time(window->lines[i], options)),
            .line = window->lines[i],
        };
    qsort(lines, window->count, sizeof *lines, compare_placed);
    for (size_t i = 0, next; i < window->count; i = next) {
        for (next = i + 1; next < window->count && compare_placed(&lines[i], &lines[next]) == 0;)
            next++;
        if (next - i == 1)
            append_line(lines[i].line, options, out);
        else
            append_alike(&lines[i], next - i, options, out);
    }
    free(lines);
    clear(window);
}
