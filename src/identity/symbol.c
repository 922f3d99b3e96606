/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/symbol.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "identity/demangle.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/table.h"

/* Addresses remembered before the memo starts afresh: some 20 MiB. */
#define MEMO_MAX ((size_t)1 << 18)

/* Text of all symbols together. Symbols live as long as the run, and their names come from files
 * that anyone may have made: beyond this, new ones stay unnamed. */
#define SYMBOL_BYTES_MAX ((size_t)512 << 20)

/* Folded code can have hundreds of names; a line must stay short. Whole names beyond it are cut. */
#define ALIASES_BYTES_MAX 4096

/* The functions at one address: the chain of inlined calls and the function around them. */
#define CHAIN_MAX (RTS_INLINE_DEPTH_MAX + 1)

struct address {
    uint32_t serial;
    uint64_t vaddr;
};

struct resolved {
    struct address address;
    size_t count;
    struct rts_symbol *symbols[];
};

struct rts_symbol_table {
    struct rts_id_rules rules;
    struct rts_table symbols; /* by symbolId */
    struct rts_table memo;    /* struct resolved by address */
    size_t symbol_bytes;
};

struct rts_symbol_table *rts_symbol_table_create(enum rts_id_scheme scheme)
{
    struct rts_symbol_table *table = rts_calloc(1, sizeof *table);
    table->rules.scheme = scheme;
    return table;
}

void rts_symbol_table_use_graph(struct rts_symbol_table *table, const struct rts_graph *graph)
{
    table->rules.graph = graph;
}

static void destroy_symbol(struct rts_symbol *symbol)
{
    free(symbol->symbol_id);
    free(symbol->code_id);
    free(symbol->build_id);
    free(symbol->name);
    free(symbol->demangled);
    free(symbol->aliases);
    free(symbol->module);
    free(symbol);
}

static void forget_addresses(struct rts_symbol_table *table)
{
    size_t position = 0;
    void *resolved;
    while ((resolved = rts_table_next(&table->memo, &position)))
        free(resolved);
    rts_table_clear(&table->memo);
}

void rts_symbol_table_destroy(struct rts_symbol_table *table)
{
    if (!table)
        return;
    size_t position = 0;
    struct rts_symbol *symbol;
    while ((symbol = rts_table_next(&table->symbols, &position)))
        destroy_symbol(symbol);
    forget_addresses(table);
    rts_table_finish(&table->symbols);
    rts_table_finish(&table->memo);
    free(table);
}

static bool same_symbol(const void *item, const void *key)
{
    return strcmp(((const struct rts_symbol *)item)->symbol_id, key) == 0;
}

static bool same_address(const void *item, const void *key)
{
    const struct address *a = &((const struct resolved *)item)->address;
    const struct address *b = key;
    return a->serial == b->serial && a->vaddr == b->vaddr;
}

static char *join(const char *first, const char *second)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, first);
    rts_buffer_text(&text, second);
    return text.data;
}

/* "a,b,c", or NULL. A name with a comma in it would read as two, so it is left out. */
static char *join_aliases(const char **aliases)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    for (const char **alias = aliases; alias && *alias; alias++) {
        size_t size = strlen(*alias);
        if (size == 0 || strchr(*alias, ','))
            continue;
        if (text.size + size + 1 > ALIASES_BYTES_MAX)
            break;
        rts_buffer_text(&text, text.size ? "," : "");
        rts_buffer_append(&text, *alias, size);
    }
    return text.data;
}

static char *base_name(const char *path)
{
    if (!path)
        return NULL;
    const char *slash = strrchr(path, '/');
    return rts_strdup(slash ? slash + 1 : path);
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Takes the ids over. */
static struct rts_symbol *make_symbol(struct rts_object *object,
                                      const struct rts_code_identity *code,
                                      const struct rts_function *function,
                                      struct rts_identity *identity)
{
    struct rts_symbol *symbol = rts_calloc(1, sizeof *symbol);
    symbol->symbol_id = identity->symbol_id;
    symbol->code_id = identity->code_id;
    symbol->id_scheme = identity->scheme;
    symbol->join_rule = identity->join_rule;
    symbol->join = identity->join;
    *identity = (struct rts_identity){0};
    symbol->build_id = join(code->is_file_hash ? "sha256:" : "gnu-build-id:", code->hex);
    symbol->build_id_is_file_hash = code->is_file_hash;
    symbol->name = rts_strdup(function->name);
    symbol->demangled = rts_demangle(function->name);
    if (symbol->demangled && strcmp(symbol->demangled, symbol->name) == 0) {
        free(symbol->demangled);
        symbol->demangled = NULL;
    }
    symbol->aliases = join_aliases(function->aliases);
    symbol->module = base_name(rts_object_path(object));
    symbol->source = function->source;
    return symbol;
}

static struct rts_symbol *intern(struct rts_symbol_table *table, struct rts_object *object,
                                 const struct rts_code_identity *code, uint64_t vaddr,
                                 const struct rts_function *function)
{
    struct rts_identity identity;
    if (!rts_identify(&identity, &table->rules, object, code, vaddr, function))
        return NULL;
    uint64_t hash = rts_hash_bytes(identity.symbol_id, strlen(identity.symbol_id), 0);
    struct rts_symbol *symbol =
        rts_table_find(&table->symbols, hash, same_symbol, identity.symbol_id);
    if (!symbol && table->symbol_bytes < SYMBOL_BYTES_MAX) {
        symbol = make_symbol(object, code, function, &identity);
        table->symbol_bytes += sizeof *symbol + text_size(symbol->symbol_id) +
                               text_size(symbol->code_id) + text_size(symbol->build_id) +
                               text_size(symbol->name) + text_size(symbol->demangled) +
                               text_size(symbol->aliases) + text_size(symbol->module);
        rts_table_add(&table->symbols, hash, symbol);
    }
    rts_identity_finish(&identity);
    return symbol;
}

static bool contains(struct rts_symbol *const *symbols, size_t count,
                     const struct rts_symbol *symbol)
{
    for (size_t i = 0; i < count; i++)
        if (symbols[i] == symbol)
            return true;
    return false;
}

/* Fills `symbols` with the distinct symbols at the address, innermost first. */
static size_t name_address(struct rts_symbol_table *table, struct rts_object *object,
                           uint64_t vaddr, struct rts_symbol *symbols[CHAIN_MAX])
{
    struct rts_function functions[CHAIN_MAX];
    size_t found = rts_object_functions(object, vaddr, functions, CHAIN_MAX);
    struct rts_code_identity code;
    if (found == 0 || !rts_code_identity_init(&code, object))
        return 0;
    size_t count = 0;
    for (size_t i = 0; i < found; i++) {
        struct rts_symbol *symbol = intern(table, object, &code, vaddr, &functions[i]);
        if (symbol && !contains(symbols, count, symbol))
            symbols[count++] = symbol;
    }
    return count;
}

static struct resolved *remember(struct rts_symbol_table *table, uint64_t hash,
                                 struct address address, struct rts_symbol *const *symbols,
                                 size_t count)
{
    if (table->memo.count >= MEMO_MAX)
        forget_addresses(table);
    struct resolved *resolved = rts_calloc(1, sizeof *resolved + count * sizeof(void *));
    resolved->address = address;
    resolved->count = count;
    for (size_t i = 0; i < count; i++)
        resolved->symbols[i] = symbols[i];
    rts_table_add(&table->memo, hash, resolved);
    return resolved;
}

size_t rts_symbol_table_resolve(struct rts_symbol_table *table, struct rts_object *object,
                                uint64_t vaddr, struct rts_symbol *const **symbols)
{
    struct address address = {rts_object_serial(object), vaddr};
    uint64_t hash = rts_hash_u64(rts_hash_u64(vaddr) + address.serial);
    struct resolved *resolved = rts_table_find(&table->memo, hash, same_address, &address);
    if (!resolved) {
        struct rts_symbol *found[CHAIN_MAX];
        size_t count = name_address(table, object, vaddr, found);
        resolved = remember(table, hash, address, found, count);
    }
    *symbols = resolved->symbols;
    return resolved->count;
}

struct rts_symbol *rts_symbol_table_next(const struct rts_symbol_table *table, size_t *position)
{
    return rts_table_next(&table->symbols, position);
}
