/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbol.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "symbols/symbol_state.h"
#include "util/memory.h"

/* All symbols together, also where the table has no limit or cannot be trimmed yet: their names
 * come from files that anyone may have made. Beyond this, new ones stay unnamed. */
#define SYMBOL_BYTES_MAX ((size_t)512 << 20)

/* Forms of one symbolId: many functions of one file may have one name. */
#define FORMS_MAX 16

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

/* The form of `first` that is as `symbol`, which is freed, or it itself, which is one from now on.
 */
static struct rts_symbol *add_form(struct rts_symbol_table *table, struct rts_symbol *first,
                                   struct rts_symbol *symbol)
{
    unsigned count = 0;
    for (struct rts_symbol *form = first; form; form = form->next_form, count++) {
        if (rts_symbol_same_form(form, symbol) || count == FORMS_MAX) {
            rts_symbol_destroy(symbol);
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
    struct rts_function_ids ids;
    if (!rts_identify(&ids, &table->rules, object, code, vaddr, function))
        return NULL;
    const struct symbol_key key = {rts_object_key(object), ids.symbol_id};
    uint64_t hash = rts_symbol_hash(key.file, key.symbol_id);
    struct rts_symbol *first = rts_table_find(&table->symbols, hash, same_symbol, &key);
    struct rts_symbol *symbol = NULL;
    if (first || table->share->bytes < SYMBOL_BYTES_MAX) {
        symbol = rts_symbol_make(object, code, function, &ids);
        symbol->counts = first ? first : symbol;
    }
    if (symbol && first) {
        symbol = add_form(table, first, symbol);
    } else if (symbol) {
        rts_symbol_recall_totals(table, hash, symbol);
        rts_share_change_of(table->share, symbol->owner, 0, symbol->bytes);
        rts_table_add(&table->symbols, hash, symbol);
    }
    rts_function_ids_finish(&ids);
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
