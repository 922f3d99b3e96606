/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbol.h"

#include <stdlib.h>
#include <string.h>

#include "symbols/symbol_state.h"
#include "util/memory.h"

/* What was counted of a symbol that went. */
struct totals {
    uint64_t hash; /* of its file and symbolId, which are digests already */
    uint64_t hits, leaf_hits;
};

/* With its place in the table. */
#define TOTALS_BYTES (sizeof(struct totals) + 8 + 2 * sizeof(struct rts_table_slot))

/* Of a symbol that is kept for being hot: those of honest files take some hundred. */
#define KEPT_BYTES_MAX 16384

/* Where nothing else bounds them. */
#define TOTALS_MAX ((size_t)1 << 16)

uint64_t rts_symbol_hash(const uint8_t *file, const char *symbol_id)
{
    uint64_t seed = rts_hash_bytes(file, RTS_OBJECT_KEY_SIZE, 0);
    return rts_hash_bytes(symbol_id, strlen(symbol_id), seed);
}

static bool same_totals(const void *item, const void *key)
{
    return ((const struct totals *)item)->hash == *(const uint64_t *)key;
}

static bool is_symbol(const void *item, const void *key)
{
    return item == key;
}

static void drop_totals(struct rts_symbol_table *table, struct totals *totals)
{
    rts_table_remove(&table->totals, totals->hash, same_totals, &totals->hash);
    rts_share_take(table->share, TOTALS_BYTES);
    free(totals);
}

void rts_symbol_recall_totals(struct rts_symbol_table *table, uint64_t hash,
                              struct rts_symbol *symbol)
{
    struct totals *totals = rts_table_find(&table->totals, hash, same_totals, &hash);
    if (!totals)
        return;
    symbol->total_hits = totals->hits;
    symbol->leaf_hits = totals->leaf_hits;
    drop_totals(table, totals);
}

static void remember_totals(struct rts_symbol_table *table, const struct rts_symbol *symbol)
{
    if (symbol->total_hits == 0)
        return;
    struct totals *totals = rts_calloc(1, sizeof *totals);
    totals->hash = rts_symbol_hash(symbol->file, symbol->symbol_id);
    totals->hits = symbol->total_hits;
    totals->leaf_hits = symbol->leaf_hits;
    rts_table_add(&table->totals, totals->hash, totals);
    rts_share_add(table->share, TOTALS_BYTES);
}

static int compare_totals(const void *left, const void *right)
{
    const struct totals *const *a = left, *const *b = right;
    return (*a)->hits < (*b)->hits ? -1 : (*a)->hits > (*b)->hits;
}

static void *list_items(const struct rts_table *table)
{
    void **items = rts_calloc(table->count, sizeof *items);
    size_t position = 0, count = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        items[count++] = item;
    return items;
}

/* An eighth of the share is for totals; when it is full the colder half of them goes. */
static void bound_totals(struct rts_symbol_table *table)
{
    size_t limit = table->share->limit / 8 / TOTALS_BYTES, count = table->totals.count;
    if (count < (limit ? limit : TOTALS_MAX))
        return;
    struct totals **coldest = list_items(&table->totals);
    qsort(coldest, count, sizeof *coldest, compare_totals);
    for (size_t i = 0; i < count / 2; i++)
        drop_totals(table, coldest[i]);
    free(coldest);
}

static int compare_hits(const void *left, const void *right)
{
    const struct rts_symbol *const *a = left, *const *b = right;
    return (*a)->total_hits > (*b)->total_hits ? -1 : (*a)->total_hits < (*b)->total_hits;
}

static int compare_seen(const void *left, const void *right)
{
    const struct rts_symbol *const *a = left, *const *b = right;
    return (*a)->last_stack < (*b)->last_stack ? -1 : (*a)->last_stack > (*b)->last_stack;
}

/* The closing summary lists the hottest, and --stats those without a node. */
static void mark_kept(struct rts_symbol **symbols, size_t count)
{
    size_t kept = 0, unjoined = 0;
    qsort(symbols, count, sizeof *symbols, compare_hits);
    for (size_t i = 0; i < count; i++) {
        bool without_node = symbols[i]->join != RTS_JOIN_JOINED;
        symbols[i]->kept =
            symbols[i]->bytes <= KEPT_BYTES_MAX &&
            (kept < RTS_SYMBOLS_KEPT || (without_node && unjoined < RTS_SYMBOLS_KEPT));
        kept++;
        unjoined += without_node;
    }
}

void rts_symbol_table_trim(struct rts_symbol_table *table)
{
    size_t excess = rts_share_excess(table->share), count = table->symbols.count;
    struct rts_losses losses;
    if (excess == 0 || count == 0)
        return;
    rts_ledger_divide(table->share->ledger, table->share->limit, excess, &losses);
    struct rts_symbol **symbols = list_items(&table->symbols);
    mark_kept(symbols, count);
    qsort(symbols, count, sizeof *symbols, compare_seen);
    for (size_t i = 0; i < count; i++) {
        if (symbols[i]->kept || !rts_losses_take(&losses, symbols[i]->owner, symbols[i]->bytes))
            continue;
        for (struct rts_symbol *form = symbols[i]; form; form = form->next_form)
            form->doomed = true;
    }
    rts_symbol_memo_forget_doomed(table);
    for (size_t i = 0; i < count; i++) {
        struct rts_symbol *symbol = symbols[i];
        if (!symbol->doomed)
            continue;
        rts_table_remove(&table->symbols, rts_symbol_hash(symbol->file, symbol->symbol_id),
                         is_symbol, symbol);
        rts_share_change_of(table->share, symbol->owner, symbol->bytes, 0);
        rts_share_evict(table->share, symbol->owner);
        remember_totals(table, symbol);
        rts_symbol_destroy(symbol);
    }
    free(symbols);
    bound_totals(table);
}
