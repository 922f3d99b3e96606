/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/symbol.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "identity/demangle.h"
#include "identity/symbol_state.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/short_name.h"

/* All symbols together, also where the table has no limit or cannot be trimmed yet: their names
 * come from files that anyone may have made. Beyond this, new ones stay unnamed. */
#define SYMBOL_BYTES_MAX ((size_t)512 << 20)

/* Forms of one symbolId: many functions of one file may have one name. */
#define FORMS_MAX 16

/* Folded code can have hundreds of names; a line must stay short. Whole names beyond it are cut. */
#define ALIASES_BYTES_MAX 4096

/* The functions at one address: the chain of inlined calls and the function around them. */
#define CHAIN_MAX (RTS_INLINE_DEPTH_MAX + 1)

struct rts_symbol_table *rts_symbol_table_create(enum rts_id_scheme scheme)
{
    struct rts_symbol_table *table = rts_calloc(1, sizeof *table);
    table->rules.scheme = scheme;
    table->share = &table->own;
    return table;
}

void rts_symbol_table_use_share(struct rts_symbol_table *table, struct rts_share *share)
{
    table->share = share;
}

void rts_symbol_table_use_graph(struct rts_symbol_table *table, const struct rts_graph *graph)
{
    table->rules.graph = graph;
}

static void destroy_form(struct rts_symbol *symbol)
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

void rts_symbol_destroy(struct rts_symbol *symbol)
{
    while (symbol) {
        struct rts_symbol *next = symbol->next_form;
        destroy_form(symbol);
        symbol = next;
    }
}

void rts_symbol_table_destroy(struct rts_symbol_table *table)
{
    if (!table)
        return;
    size_t position = 0;
    struct rts_symbol *symbol;
    while ((symbol = rts_table_next(&table->symbols, &position)))
        rts_symbol_destroy(symbol);
    rts_symbol_memo_finish(table);
    position = 0;
    void *totals;
    while ((totals = rts_table_next(&table->totals, &position)))
        free(totals);
    rts_table_finish(&table->totals);
    rts_table_finish(&table->symbols);
    free(table);
}

struct symbol_key {
    const uint8_t *file;
    const char *symbol_id;
};

static bool same_symbol(const void *item, const void *key)
{
    const struct rts_symbol *symbol = item;
    const struct symbol_key *wanted = key;
    return memcmp(symbol->file, wanted->file, sizeof symbol->file) == 0 &&
           strcmp(symbol->symbol_id, wanted->symbol_id) == 0;
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
        if (**alias == '\0' || strchr(*alias, ','))
            continue;
        RTS_FREE char *name = rts_short_name(*alias);
        if (text.size + strlen(name) + 1 > ALIASES_BYTES_MAX)
            break;
        rts_buffer_text(&text, text.size ? "," : "");
        rts_buffer_text(&text, name);
    }
    return text.data;
}

static char *base_name(const char *path)
{
    if (!path)
        return NULL;
    const char *slash = strrchr(path, '/');
    return rts_short_name(slash ? slash + 1 : path);
}

static size_t text_bytes(const char *text)
{
    return text ? rts_heap_bytes(strlen(text) + 1) : 0;
}

static size_t bytes_of(const struct rts_symbol *symbol)
{
    const size_t slots = 2 * sizeof(struct rts_table_slot);
    return rts_heap_bytes(sizeof *symbol) + slots + text_bytes(symbol->symbol_id) +
           text_bytes(symbol->code_id) + text_bytes(symbol->build_id) + text_bytes(symbol->name) +
           text_bytes(symbol->demangled) + text_bytes(symbol->aliases) + text_bytes(symbol->module);
}

/* Takes the ids over. */
static struct rts_symbol *make_symbol(struct rts_object *object,
                                      const struct rts_code_identity *code,
                                      const struct rts_function *function,
                                      struct rts_identity *identity)
{
    struct rts_symbol *symbol = rts_calloc(1, sizeof *symbol);
    memcpy(symbol->file, rts_object_key(object), sizeof symbol->file);
    symbol->likeness = rts_object_likeness(object);
    symbol->symbol_id = identity->symbol_id;
    symbol->code_id = identity->code_id;
    symbol->id_scheme = identity->scheme;
    symbol->join_rule = identity->join_rule;
    symbol->join = identity->join;
    *identity = (struct rts_identity){0};
    symbol->build_id = join(code->is_file_hash ? "sha256:" : "gnu-build-id:", code->hex);
    symbol->build_id_is_file_hash = code->is_file_hash;
    symbol->name = rts_short_name(function->name);
    RTS_FREE char *demangled = rts_demangle(function->name);
    if (demangled && strcmp(demangled, function->name) != 0)
        symbol->demangled = rts_short_name(demangled);
    symbol->aliases = join_aliases(function->aliases);
    symbol->module = base_name(rts_object_path(object));
    symbol->source = function->source;
    symbol->owner = rts_object_owner(object);
    return symbol;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The module is for people only: that of the first form will do. */
static bool same_form(const struct rts_symbol *a, const struct rts_symbol *b)
{
    return a->source == b->source && a->join == b->join && same_text(a->join_rule, b->join_rule) &&
           same_text(a->name, b->name) && same_text(a->aliases, b->aliases) &&
           same_text(a->code_id, b->code_id) && same_text(a->build_id, b->build_id);
}

/* The form of `first` that is as `symbol`, which is freed, or it itself, which is one from now on.
 */
static struct rts_symbol *add_form(struct rts_symbol_table *table, struct rts_symbol *first,
                                   struct rts_symbol *symbol)
{
    unsigned count = 0;
    for (struct rts_symbol *form = first; form; form = form->next_form, count++) {
        if (same_form(form, symbol) || count == FORMS_MAX) {
            destroy_form(symbol);
            return form;
        }
    }
    symbol->next_form = first->next_form;
    first->next_form = symbol;
    first->bytes += symbol->bytes;
    rts_share_change_of(table->share, first->owner, 0, symbol->bytes);
    return symbol;
}

static struct rts_symbol *intern(struct rts_symbol_table *table, struct rts_object *object,
                                 const struct rts_code_identity *code, uint64_t vaddr,
                                 const struct rts_function *function)
{
    struct rts_identity identity;
    if (!rts_identify(&identity, &table->rules, object, code, vaddr, function))
        return NULL;
    const struct symbol_key key = {rts_object_key(object), identity.symbol_id};
    uint64_t hash = rts_symbol_hash(key.file, key.symbol_id);
    struct rts_symbol *first = rts_table_find(&table->symbols, hash, same_symbol, &key);
    struct rts_symbol *symbol = NULL;
    if (first || table->share->bytes < SYMBOL_BYTES_MAX) {
        symbol = make_symbol(object, code, function, &identity);
        symbol->bytes = bytes_of(symbol);
        symbol->counts = first ? first : symbol;
    }
    if (symbol && first) {
        symbol = add_form(table, first, symbol);
    } else if (symbol) {
        rts_symbol_recall_totals(table, hash, symbol);
        rts_share_change_of(table->share, symbol->owner, 0, symbol->bytes);
        rts_table_add(&table->symbols, hash, symbol);
    }
    rts_identity_finish(&identity);
    return symbol;
}

static bool contains(struct rts_symbol *const *symbols, size_t count,
                     const struct rts_symbol *symbol)
{
    for (size_t i = 0; i < count; i++)
        if (symbols[i]->counts == symbol->counts)
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

size_t rts_symbol_table_resolve(struct rts_symbol_table *table, struct rts_object *object,
                                uint64_t vaddr, struct rts_symbol *const **symbols)
{
    struct rts_symbol_address address = {rts_object_serial(object), vaddr};
    const struct rts_symbols_at *known = rts_symbol_memo_find(table, &address);
    if (!known) {
        struct rts_symbol *found[CHAIN_MAX];
        size_t count = name_address(table, object, vaddr, found);
        known = rts_symbol_memo_add(table, &address, found, count);
    }
    *symbols = known->symbols;
    return known->count;
}

struct rts_symbol *rts_symbol_table_next(const struct rts_symbol_table *table, size_t *position)
{
    return rts_table_next(&table->symbols, position);
}
