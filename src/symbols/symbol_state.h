/* SPDX-License-Identifier: Apache-2.0 */
/* Between symbol.c (which symbol is at an address), symbol_memo.c (the addresses that were named),
 * symbol_trim.c (what goes when there is too much) and symbol_form.c (one of them, below all). */
#ifndef RTS_SYMBOLS_SYMBOL_STATE_H
#define RTS_SYMBOLS_SYMBOL_STATE_H

#include "symbols/symbol.h"
#include "util/table.h"

struct rts_symbol_address {
    uint32_t serial; /* of the object */
    uint64_t vaddr;
};

/* The symbols at an address. */
struct rts_symbols_at {
    struct rts_symbol_address address;
    size_t count;
    struct rts_symbol *symbols[];
};

/* Addresses that were asked for lately, and those before them: when the first table is full it
 * becomes the second, whose addresses are forgotten. */
struct rts_symbol_memo {
    struct rts_table recent, older;
    size_t recent_bytes, older_bytes;
};

struct rts_symbol_table {
    struct rts_id_rules rules;
    struct rts_table symbols; /* by file and symbolId */
    struct rts_symbol_memo memo;
    struct rts_table totals;      /* of symbols that went */
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

/* Of the key of a file and an id in it. */
uint64_t rts_symbol_hash(const uint8_t *file, const char *symbol_id);

/* symbol_form.c: a form of its own, with the memory that it takes. Takes the ids over. */
struct rts_symbol *rts_symbol_make(const struct rts_object *object,
                                   const struct rts_code_identity *code,
                                   const struct rts_function *function,
                                   struct rts_function_ids *ids);

/* Do they say the same? The module is for people only: that of the first form will do. */
bool rts_symbol_same_form(const struct rts_symbol *a, const struct rts_symbol *b);

/* Frees a form and those behind it. */
void rts_symbol_destroy(struct rts_symbol *symbol);

/* What is remembered of an address, or NULL. Valid until the next of these calls. */
const struct rts_symbols_at *rts_symbol_memo_find(struct rts_symbol_table *table,
                                                  const struct rts_symbol_address *address);
const struct rts_symbols_at *rts_symbol_memo_add(struct rts_symbol_table *table,
                                                 const struct rts_symbol_address *address,
                                                 struct rts_symbol *const *symbols, size_t count);

/* Forgets the addresses of symbols that are doomed. */
void rts_symbol_memo_forget_doomed(struct rts_symbol_table *table);
void rts_symbol_memo_finish(struct rts_symbol_table *table);

/* Gives a symbol back what was counted of it before it went. */
void rts_symbol_recall_totals(struct rts_symbol_table *table, uint64_t hash,
                              struct rts_symbol *symbol);

#endif
