/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A symbol as facts know it: named, identified, ready to be written. Symbols are interned, so
 * pointers can be compared; they can be kept until the table is trimmed.
 *
 * A symbol is of one file. The build-id from which symbolIds are made is what a file says of
 * itself, so that anyone can make a file whose functions have the ids of another one's; nothing
 * that such a file says becomes part of the other's symbols.
 *
 * What is known of one symbolId may differ by address: a function that is inlined here has a body
 * of its own there. Each such form is a symbol, and all forms of an id in a file lead to one that
 * counts for them, so that what a fact says depends on what was hit, and not on what was named
 * before.
 */
#ifndef RTS_SYMBOLS_SYMBOL_H
#define RTS_SYMBOLS_SYMBOL_H

#include "symbols/identify.h"
#include "types.h"
#include "util/share.h"

struct rts_symbol {
    uint8_t file[RTS_OBJECT_KEY_SIZE]; /* the key of its object */
    uint64_t likeness;                 /* that of its object */
    char *symbol_id, *code_id;
    const char *id_scheme; /* the word for metadata.idScheme; static */
    const char *join_rule; /* the word for metadata.join; NULL: not joined; static */
    enum rts_join join;    /* meaningful with a graph */
    char *build_id;        /* "gnu-build-id:<hex>", or "sha256:<hex>" without one */
    bool build_id_is_file_hash;
    /* Names are no longer than RTS_NAME_MAX (util/short_name.h), each of the aliases by itself; ids
     * are made of the whole name. */
    char *name;      /* mangled, no version */
    char *demangled; /* NULL when it does not differ from name */
    char *aliases;   /* comma-separated, sorted; NULL when there is none */
    char *module;    /* base name of the file, for the closing summary only: must never leave */
    enum rts_symbol_source source;
    struct rts_symbol *counts; /* the form that has the three below for all of one id and file */
    uint64_t total_hits;       /* over the whole run; naming/namer.h adds to it */
    uint64_t leaf_hits;        /* those of them that were taken in it */
    uint64_t last_stack;       /* the number of the last stack it was counted for; the higher, the
                                  later it was seen */
    struct rts_symbol *next_form;
    size_t bytes;      /* that it takes, or that all forms do */
    unsigned owner;    /* of whose share: that of the object when it was named first */
    bool doomed, kept; /* while the table is trimmed */
};

struct rts_symbol_table;

struct rts_symbol_table *rts_symbol_table_create(enum rts_id_scheme scheme);
void rts_symbol_table_destroy(struct rts_symbol_table *table);

/* Takes ids from the graph from now on, where it has them. It must outlive the table. */
void rts_symbol_table_use_graph(struct rts_symbol_table *table, const struct rts_graph *graph);

/* Counts there what symbols and remembered addresses take, and keeps to its limit when it is
 * trimmed. It must outlive the table. */
void rts_symbol_table_use_share(struct rts_symbol_table *table, struct rts_share *share);

/*
 * Frees symbols while the share is over its limit, those first that were not seen for longest. The
 * hottest stay: RTS_SYMBOLS_KEPT of all, and as many of those that are not nodes of the graph. What
 * was counted of one that goes is remembered, and given back to it when it is seen again; when
 * there is no room for that either, the coldest are forgotten, and then count anew. So the hits of
 * the hottest are right, unless they are those of a function that was forgotten while it was cold.
 */
#define RTS_SYMBOLS_KEPT 64
void rts_symbol_table_trim(struct rts_symbol_table *table);

/* The symbols at a frame, innermost (inlined) first, memoized by (object, vaddr). Returns the
 * number; 0 when nothing is known, or when the text of all symbols has reached its bound. No symbol
 * is in the result twice. The array is owned by the table and valid until the next call; the
 * symbols in it live until the table is trimmed. */
size_t rts_symbol_table_resolve(struct rts_symbol_table *table, struct rts_object *object,
                                uint64_t vaddr, struct rts_symbol *const **symbols);

/* Walks all symbols that count in no particular order; start with *position = 0; NULL at the end.
 */
struct rts_symbol *rts_symbol_table_next(const struct rts_symbol_table *table, size_t *position);

#endif
