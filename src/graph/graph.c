/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "util/large_array.h"
#include "util/memory.h"
#include "util/table.h"

/* Offsets into the text are 32 bits. */
#define TEXT_MAX ((size_t)UINT32_MAX)

/* Nodes looked through for one address or name. A graph has a few aliases at one address. */
#define CHAIN_MAX 65536

#define NONE UINT32_MAX

/*
 * Some 32 bytes a node, beside its texts. Nodes with one hash of (file, address) or of (file, name)
 * are chained by their numbers:
 *
 *     heads[hash & mask] -> node -> next_by_… -> … -> NONE
 */
struct node {
    uint64_t address;
    uint32_t symbol_id, code_id, name; /* offsets in text; NONE: not given */
    uint32_t file;
    uint32_t next_by_address, next_by_name;
};

/* A file is known by its build-id, its hash, or both. */
struct file_key {
    uint32_t file;
    char text[]; /* "b<build-id>" or "h<sha256>" */
};

struct file {
    uint32_t last_code_id; /* nodes of one file mostly share theirs; NONE: none yet */
    bool has_addresses;
};

struct rts_graph {
    struct rts_large_array nodes; /* of struct node */
    struct rts_large_array text;
    struct rts_table file_keys;
    struct file *files;
    size_t file_count, file_capacity;
    struct rts_large_array by_address, by_name; /* heads: uint32_t */
    size_t mask;
    uint64_t nodes_read;
    bool has_hashes;
    bool too_large;
};

static const char *text_at(const struct rts_graph *graph, uint32_t offset)
{
    return graph->text.bytes + offset;
}

static struct node *node_at(const struct rts_graph *graph, size_t number)
{
    return (struct node *)(void *)graph->nodes.bytes + number;
}

static size_t node_count(const struct rts_graph *graph)
{
    return graph->nodes.size / sizeof(struct node);
}

/* The first of the chain. */
static uint32_t *head(const struct rts_graph *graph, const struct rts_large_array *heads,
                      uint64_t hash)
{
    return (uint32_t *)(void *)heads->bytes + (hash & graph->mask);
}

void rts_graph_destroy(struct rts_graph *graph)
{
    if (!graph)
        return;
    size_t position = 0;
    for (void *key; (key = rts_table_next(&graph->file_keys, &position));)
        free(key);
    rts_table_finish(&graph->file_keys);
    rts_large_array_finish(&graph->nodes);
    rts_large_array_finish(&graph->text);
    rts_large_array_finish(&graph->by_address);
    rts_large_array_finish(&graph->by_name);
    free(graph->files);
    free(graph);
}

uint64_t rts_graph_nodes(const struct rts_graph *graph)
{
    return graph->nodes_read;
}

uint64_t rts_graph_joinable(const struct rts_graph *graph)
{
    return node_count(graph);
}

bool rts_graph_has_hashes(const struct rts_graph *graph)
{
    return graph->has_hashes;
}

/* ---- files ---- */

struct wanted_key {
    char kind;
    struct rts_graph_text hex;
};

static bool is_file_key(const void *item, const void *wanted)
{
    const struct file_key *key = item;
    const struct wanted_key *other = wanted;
    return key->text[0] == other->kind &&
           strncmp(key->text + 1, other->hex.bytes, other->hex.size) == 0 &&
           key->text[1 + other->hex.size] == '\0';
}

static uint64_t hash_key(const struct wanted_key *key)
{
    return rts_hash_bytes(key->hex.bytes, key->hex.size, (uint64_t)key->kind);
}

/* The file, or NONE. */
static uint32_t find_file(const struct rts_graph *graph, char kind, struct rts_graph_text hex)
{
    struct wanted_key wanted = {kind, hex};
    const struct file_key *key =
        hex.size ? rts_table_find(&graph->file_keys, hash_key(&wanted), is_file_key, &wanted)
                 : NULL;
    return key ? key->file : NONE;
}

static void add_key(struct rts_graph *graph, char kind, struct rts_graph_text hex, uint32_t file)
{
    struct wanted_key wanted = {kind, hex};
    struct file_key *key = rts_calloc(1, sizeof *key + hex.size + 2);
    key->file = file;
    key->text[0] = kind;
    memcpy(key->text + 1, hex.bytes, hex.size);
    rts_table_add(&graph->file_keys, hash_key(&wanted), key);
}

/* The file that the node says it is of, which the node has to. */
static uint32_t file_of(struct rts_graph *graph, const struct rts_graph_node *node)
{
    uint32_t file = node->build_id.size ? find_file(graph, 'b', node->build_id)
                                        : find_file(graph, 'h', node->file_sha256);
    if (file == NONE) {
        graph->files =
            rts_grow(graph->files, graph->file_count, &graph->file_capacity, sizeof *graph->files);
        file = (uint32_t)graph->file_count++;
        graph->files[file] = (struct file){.last_code_id = NONE};
        if (node->build_id.size)
            add_key(graph, 'b', node->build_id, file);
    }
    if (node->file_sha256.size && find_file(graph, 'h', node->file_sha256) == NONE) {
        add_key(graph, 'h', node->file_sha256, file);
        graph->has_hashes = true;
    }
    return file;
}

/* ---- reading ---- */

/* Keeps a text with its NUL; NONE for an empty one, and when there is no room. */
static uint32_t keep_text(struct rts_graph *graph, struct rts_graph_text text)
{
    if (text.size == 0)
        return NONE;
    if (text.size + 1 > TEXT_MAX - 1 - graph->text.size) {
        graph->too_large = true;
        return NONE;
    }
    uint32_t offset = (uint32_t)graph->text.size;
    char *kept = rts_large_array_append(&graph->text, text.size + 1);
    memcpy(kept, text.bytes, text.size);
    kept[text.size] = '\0';
    return offset;
}

static uint32_t keep_code_id(struct rts_graph *graph, struct file *file, struct rts_graph_text text)
{
    const char *last = file->last_code_id == NONE ? NULL : text_at(graph, file->last_code_id);
    if (last && strncmp(last, text.bytes, text.size) == 0 && last[text.size] == '\0')
        return file->last_code_id;
    return file->last_code_id = keep_text(graph, text);
}

static uint64_t hash_address(uint32_t file, uint64_t address)
{
    return rts_hash_u64(address ^ (uint64_t)file << 40);
}

static uint64_t hash_name(uint32_t file, const char *name, size_t size)
{
    return rts_hash_bytes(name, size, file);
}

static bool take_node(void *context, const struct rts_graph_node *node)
{
    struct rts_graph *graph = context;
    bool has_name = node->name.size > 0 && node->name.size <= RTS_GRAPH_NAME_MAX;
    graph->nodes_read++;
    if ((!node->build_id.size && !node->file_sha256.size) || (!node->has_address && !has_name))
        return true;
    if (node_count(graph) == RTS_GRAPH_NODES_MAX) {
        graph->too_large = true;
        return false;
    }
    struct node *added = rts_large_array_append(&graph->nodes, sizeof *added);
    added->file = file_of(graph, node);
    struct file *file = &graph->files[added->file];
    file->has_addresses |= node->has_address;
    added->address = node->address;
    added->symbol_id = keep_text(graph, node->symbol_id);
    added->code_id = keep_code_id(graph, file, node->code_id);
    added->name = keep_text(graph, node->name);
    /* Until the chains are made: is the node to be in that of the addresses, and where in that of
     * the names, while we have them. */
    added->next_by_address = node->has_address;
    added->next_by_name = (uint32_t)hash_name(added->file, node->name.bytes, node->name.size);
    return !graph->too_large;
}

static void make_heads(struct rts_large_array *heads, size_t count)
{
    size_t size = count * sizeof(uint32_t);
    memset(rts_large_array_append(heads, size), 0xff, size);
}

static void make_chains(struct rts_graph *graph)
{
    size_t heads = 16, count = node_count(graph);
    while (heads < count)
        heads *= 2;
    graph->mask = heads - 1;
    make_heads(&graph->by_address, heads);
    make_heads(&graph->by_name, heads);
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = node_at(graph, i);
        if (node->next_by_address) {
            uint32_t *first =
                head(graph, &graph->by_address, hash_address(node->file, node->address));
            node->next_by_address = *first;
            *first = i;
        }
        if (node->name != NONE) {
            uint32_t *first = head(graph, &graph->by_name, node->next_by_name);
            node->next_by_name = *first;
            *first = i;
        }
    }
}

struct rts_graph *rts_graph_read(rts_json_read read, void *context, const char *name,
                                 struct rts_error *error)
{
    struct rts_graph *graph = rts_calloc(1, sizeof *graph);
    struct rts_json_scan scan;
    struct rts_error cause;
    rts_json_scan_init(&scan, read, context, &cause);
    struct rts_graph_reader *reader = rts_graph_reader_create(&scan);
    bool whole = rts_graph_reader_run(reader, take_node, graph);
    rts_graph_reader_destroy(reader);
    rts_json_scan_finish(&scan);
    if (whole && graph->nodes_read > 0) {
        make_chains(graph);
        return graph;
    }
    if (graph->too_large)
        rts_fail(error, RTS_FAILED, "%s: more than %u nodes, or 4 GiB of ids and names", name,
                 RTS_GRAPH_NODES_MAX);
    else if (whole)
        rts_fail(error, RTS_FAILED, "%s: no node in it has a symbol_id", name);
    else
        rts_fail(error, cause.failure, "%s cannot be read as a graph: %s", name, cause.text);
    rts_graph_destroy(graph);
    return NULL;
}

/* ---- asking ---- */

static bool is_called(const struct rts_graph *graph, const struct node *node, const char *name)
{
    return node->name != NONE && strcmp(text_at(graph, node->name), name) == 0;
}

static bool is_alias(const struct rts_graph *graph, const struct node *node,
                     const char *const *aliases)
{
    for (size_t i = 0; aliases && aliases[i]; i++)
        if (is_called(graph, node, aliases[i]))
            return true;
    return false;
}

/* How well a node at the right address fits: less is better. */
static int rank(const struct rts_graph *graph, const struct node *node,
                const struct rts_graph_query *query)
{
    if (query->name && is_called(graph, node, query->name))
        return 0;
    return is_alias(graph, node, query->aliases) ? 1 : 2;
}

static const struct node *find_address(const struct rts_graph *graph, uint32_t file,
                                       const struct rts_graph_query *query)
{
    const struct node *best = NULL;
    int best_rank = 0;
    uint32_t at = *head(graph, &graph->by_address, hash_address(file, query->address));
    for (unsigned steps = 0; at != NONE && steps < CHAIN_MAX; steps++) {
        const struct node *node = node_at(graph, at);
        at = node->next_by_address;
        if (node->file != file || node->address != query->address)
            continue;
        int its_rank = rank(graph, node, query);
        int order = best ? its_rank - best_rank : -1;
        if (order == 0)
            order = strcmp(text_at(graph, node->symbol_id), text_at(graph, best->symbol_id));
        if (order < 0) {
            best = node;
            best_rank = its_rank;
        }
    }
    return best;
}

/* The node with this name; NULL and *ambiguous when there are several symbols with it. */
static const struct node *find_name(const struct rts_graph *graph, uint32_t file, const char *name,
                                    bool *ambiguous)
{
    const struct node *found = NULL;
    uint32_t at = *head(graph, &graph->by_name, hash_name(file, name, strlen(name)));
    for (unsigned steps = 0; at != NONE && steps < CHAIN_MAX; steps++) {
        const struct node *node = node_at(graph, at);
        at = node->next_by_name;
        if (node->file != file || !is_called(graph, node, name))
            continue;
        if (found &&
            strcmp(text_at(graph, node->symbol_id), text_at(graph, found->symbol_id)) != 0) {
            *ambiguous = true;
            return NULL;
        }
        found = node;
    }
    return found;
}

static const struct node *find_names(const struct rts_graph *graph, uint32_t file,
                                     const struct rts_graph_query *query, bool *ambiguous)
{
    if (!query->name)
        return NULL;
    const struct node *node = find_name(graph, file, query->name, ambiguous);
    for (size_t i = 0; !node && !*ambiguous && query->aliases && query->aliases[i]; i++)
        node = find_name(graph, file, query->aliases[i], ambiguous);
    return node;
}

static struct rts_graph_text text_from(const char *text)
{
    return (struct rts_graph_text){text, text ? strlen(text) : 0};
}

bool rts_graph_knows_build_id(const struct rts_graph *graph, const char *build_id)
{
    return find_file(graph, 'b', text_from(build_id)) != NONE;
}

enum rts_join rts_graph_find(const struct rts_graph *graph, const struct rts_graph_query *query,
                             struct rts_graph_match *match)
{
    static const char *const rules[2][2] = {{"build-id+address", "build-id+name"},
                                            {"file-hash+address", "file-hash+name"}};
    uint32_t file = find_file(graph, 'b', text_from(query->build_id));
    bool by_hash = file == NONE, by_name = false, ambiguous = false;
    if (by_hash)
        file = find_file(graph, 'h', text_from(query->file_sha256));
    if (file == NONE)
        return RTS_JOIN_FILE_UNKNOWN;
    const struct node *node = query->has_address ? find_address(graph, file, query) : NULL;
    if (!node) {
        by_name = true;
        node = find_names(graph, file, query, &ambiguous);
    }
    if (node) {
        *match = (struct rts_graph_match){
            .symbol_id = text_at(graph, node->symbol_id),
            .code_id = node->code_id == NONE ? NULL : text_at(graph, node->code_id),
            .rule = rules[by_hash][by_name],
        };
        return RTS_JOIN_JOINED;
    }
    if (ambiguous)
        return RTS_JOIN_NAME_AMBIGUOUS;
    return query->has_address && graph->files[file].has_addresses ? RTS_JOIN_ADDRESS_UNKNOWN
                                                                  : RTS_JOIN_NAME_DIFFERS;
}
