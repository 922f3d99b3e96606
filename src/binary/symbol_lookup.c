/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups in a sealed table: declared in symbols.h. */
#include <stdlib.h>
#include <string.h>

#include "binary/symbols.h"
#include "util/memory.h"

struct alias_list {
    const struct rts_symbol_entry *of;
    const char *names[]; /* NULL-terminated; empty when there is none */
};

static size_t underscores(const char *name)
{
    return strspn(name, "_");
}

/* Whether `left` is chosen before `right` among the names of one address. */
static bool is_better(const struct rts_symbols *symbols, const struct rts_symbol_entry *left,
                      const struct rts_symbol_entry *right)
{
    if (left->preference != right->preference)
        return left->preference < right->preference;
    const char *a = rts_symbols_name(symbols, left), *b = rts_symbols_name(symbols, right);
    if (underscores(a) != underscores(b))
        return underscores(a) < underscores(b);
    if (strlen(a) != strlen(b))
        return strlen(a) < strlen(b);
    return strcmp(a, b) < 0;
}

/* How many entries start at or before `vaddr`. */
static size_t count_until(const struct rts_symbols *symbols, uint64_t vaddr)
{
    size_t low = 0, high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->entries[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct rts_symbol_entry *rts_symbols_covering(const struct rts_symbols *symbols,
                                                    uint64_t vaddr)
{
    const struct rts_symbol_entry *best = NULL;
    size_t end = count_until(symbols, vaddr);
    for (size_t i = end; i > 0 && end - i < RTS_OVERLAP_MAX; i--) {
        const struct rts_symbol_entry *entry = &symbols->entries[i - 1];
        if (entry->reach <= vaddr || (best && entry->start != best->start))
            break;
        if (vaddr - entry->start < entry->size && (!best || is_better(symbols, entry, best)))
            best = entry;
    }
    return best;
}

bool rts_symbols_any(const struct rts_symbols *symbols, uint64_t start, uint64_t end)
{
    size_t before = start > 0 ? count_until(symbols, start - 1) : 0;
    return before < symbols->count && symbols->entries[before].start < end;
}

const struct rts_symbol_entry *rts_symbols_unsized(const struct rts_symbols *symbols,
                                                   uint64_t vaddr)
{
    const struct rts_symbol_entry *best = NULL;
    size_t end = count_until(symbols, vaddr);
    for (size_t i = end; i > 0 && end - i < RTS_OVERLAP_MAX; i--) {
        const struct rts_symbol_entry *entry = &symbols->entries[i - 1];
        if (entry->start != symbols->entries[end - 1].start)
            break;
        if (entry->size == 0 && entry->preference != RTS_SYMBOL_MARK &&
            (!best || is_better(symbols, entry, best)))
            best = entry;
    }
    return best;
}

static bool is_list_of(const void *item, const void *key)
{
    return ((const struct alias_list *)item)->of == key;
}

/* Entries of one address are sorted by name already. */
static struct alias_list *collect(const struct rts_symbols *symbols,
                                  const struct rts_symbol_entry *entry)
{
    const struct rts_symbol_entry *end = symbols->entries + symbols->count;
    const struct rts_symbol_entry *first = entry;
    while (first > symbols->entries && first[-1].start == entry->start &&
           entry - first < RTS_OVERLAP_MAX)
        first--;
    size_t count = 0;
    const char *names[RTS_ALIASES_MAX];
    for (; first < end && first->start == entry->start && count < RTS_ALIASES_MAX; first++)
        if (first != entry && first->preference != RTS_SYMBOL_MARK)
            names[count++] = rts_symbols_name(symbols, first);
    struct alias_list *list = rts_calloc(1, sizeof *list + (count + 1) * sizeof *list->names);
    list->of = entry;
    memcpy(list->names, names, count * sizeof *names);
    return list;
}

const char **rts_symbols_aliases(struct rts_symbols *symbols, const struct rts_symbol_entry *entry)
{
    uint64_t hash = rts_hash_u64((uint64_t)(entry - symbols->entries));
    struct alias_list *list = rts_table_find(&symbols->aliases, hash, is_list_of, entry);
    if (!list) {
        list = collect(symbols, entry);
        rts_table_add(&symbols->aliases, hash, list);
    }
    return list->names[0] ? list->names : NULL;
}
