/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbol.h"

#include <stdlib.h>

#include "symbols/symbol_state.h"
#include "util/memory.h"

/* Addresses in either table, where nothing else bounds them: some 15 MiB. */
#define MEMO_MAX ((size_t)1 << 17)

static bool same_address(const void *item, const void *key)
{
    const struct rts_symbol_address *a = &((const struct rts_symbols_at *)item)->address;
    const struct rts_symbol_address *b = key;
    return a->serial == b->serial && a->vaddr == b->vaddr;
}

static uint64_t hash_address(const struct rts_symbol_address *address)
{
    return rts_hash_u64(rts_hash_u64(address->vaddr) + address->serial);
}

static size_t bytes_of(const struct rts_symbols_at *known)
{
    const size_t slots = 2 * sizeof(struct rts_table_slot);
    return rts_heap_bytes(sizeof *known + known->count * sizeof(void *)) + slots;
}

static void forget_all(struct rts_symbol_table *table, struct rts_table *addresses, size_t *bytes)
{
    size_t position = 0;
    void *known;
    while ((known = rts_table_next(addresses, &position)))
        free(known);
    rts_table_finish(addresses);
    rts_share_take(table->share, *bytes);
    *bytes = 0;
}

/* Each of the two tables may take a fifth of the share: symbols are more work to make. */
static void make_room(struct rts_symbol_table *table)
{
    struct rts_symbol_memo *memo = &table->memo;
    size_t limit = table->share->limit / 5;
    if (memo->recent.count < MEMO_MAX && (limit == 0 || memo->recent_bytes < limit))
        return;
    table->share->evictions += memo->older.count;
    forget_all(table, &memo->older, &memo->older_bytes);
    memo->older = memo->recent;
    memo->older_bytes = memo->recent_bytes;
    memo->recent = (struct rts_table){0};
    memo->recent_bytes = 0;
}

static void add(struct rts_symbol_memo *memo, uint64_t hash, struct rts_symbols_at *known)
{
    rts_table_add(&memo->recent, hash, known);
    memo->recent_bytes += bytes_of(known);
}

const struct rts_symbols_at *rts_symbol_memo_find(struct rts_symbol_table *table,
                                                  const struct rts_symbol_address *address)
{
    struct rts_symbol_memo *memo = &table->memo;
    uint64_t hash = hash_address(address);
    struct rts_symbols_at *known = rts_table_find(&memo->recent, hash, same_address, address);
    if (known || !(known = rts_table_remove(&memo->older, hash, same_address, address)))
        return known;
    memo->older_bytes -= bytes_of(known);
    make_room(table);
    add(memo, hash, known);
    return known;
}

const struct rts_symbols_at *rts_symbol_memo_add(struct rts_symbol_table *table,
                                                 const struct rts_symbol_address *address,
                                                 struct rts_symbol *const *symbols, size_t count)
{
    make_room(table);
    struct rts_symbols_at *known = rts_calloc(1, sizeof *known + count * sizeof(void *));
    known->address = *address;
    known->count = count;
    for (size_t i = 0; i < count; i++)
        known->symbols[i] = symbols[i];
    add(&table->memo, hash_address(address), known);
    rts_share_add(table->share, bytes_of(known));
    return known;
}

static bool has_doomed(const struct rts_symbols_at *known)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->symbols[i]->doomed)
            return true;
    return false;
}

static void forget_doomed(struct rts_symbol_table *table, struct rts_table *addresses,
                          size_t *bytes)
{
    size_t position = 0;
    for (struct rts_symbols_at *known; (known = rts_table_next(addresses, &position));) {
        if (!has_doomed(known))
            continue;
        rts_table_remove(addresses, hash_address(&known->address), same_address, &known->address);
        *bytes -= bytes_of(known);
        rts_share_take(table->share, bytes_of(known));
        free(known);
    }
}

void rts_symbol_memo_forget_doomed(struct rts_symbol_table *table)
{
    forget_doomed(table, &table->memo.recent, &table->memo.recent_bytes);
    forget_doomed(table, &table->memo.older, &table->memo.older_bytes);
}

void rts_symbol_memo_finish(struct rts_symbol_table *table)
{
    forget_all(table, &table->memo.recent, &table->memo.recent_bytes);
    forget_all(table, &table->memo.older, &table->memo.older_bytes);
}
