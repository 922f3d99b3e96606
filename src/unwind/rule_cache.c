/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/rule_cache.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "unwind/text_proof.h"
#include "util/memory.h"
#include "util/table.h"

/* About 20 MB when full: the sampled addresses of many large programs. */
#define ENTRIES_MAX 200000

/* Expressions of all rules: a file can have a long one for every register in every row. */
#define EXPRESSION_BYTES_MAX ((size_t)32 << 20)

/* An answer that is found out when it is asked for. */
enum verdict {
    NOT_ASKED,
    YES,
    NO,
};

struct entry {
    uint32_t serial;
    uint64_t vaddr;
    bool exact;    /* execution is at vaddr; else it is a return address */
    bool compiled; /* result and rule are there */
    enum rts_rule_result result;
    const struct rts_rule *rule;
    uint8_t after_call, in_epilogue, has_frame_pointer, outermost; /* enum verdict */
};

struct rts_rule_cache {
    const struct rts_architecture *arch;
    /* Addresses that were asked for lately, and those before them: when the first table is full it
     * becomes the second, whose addresses go. */
    struct rts_table entries, older;
    struct rts_table rules; /* struct rts_rule, each distinct one once */
    struct rts_expression **expressions;
    size_t expression_count, expression_capacity, expression_bytes;
    uint64_t lookups, misses;
    size_t bytes;                 /* of it all */
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

/* An address, or a rule, with its place in a table. */
#define ENTRY_BYTES (rts_heap_bytes(sizeof(struct entry)) + 2 * sizeof(struct rts_table_slot))
#define RULE_BYTES  (rts_heap_bytes(sizeof(struct rts_rule)) + 2 * sizeof(struct rts_table_slot))

struct rts_rule_cache *rts_rule_cache_create(const struct rts_architecture *arch)
{
    struct rts_rule_cache *cache = rts_calloc(1, sizeof *cache);
    cache->arch = arch;
    cache->share = &cache->own;
    return cache;
}

void rts_rule_cache_use_share(struct rts_rule_cache *cache, struct rts_share *share)
{
    cache->share = share;
}

static void grow(struct rts_rule_cache *cache, size_t bytes)
{
    cache->bytes += bytes;
    rts_share_add(cache->share, bytes);
}

static void free_all(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_finish(table);
}

static void empty(struct rts_rule_cache *cache)
{
    free_all(&cache->entries);
    free_all(&cache->older);
    free_all(&cache->rules);
    for (size_t i = 0; i < cache->expression_count; i++)
        free(cache->expressions[i]);
    cache->expression_count = cache->expression_bytes = 0;
    rts_share_take(cache->share, cache->bytes);
    cache->bytes = 0;
}

/* Of a share two fifths are for each table of addresses, and a fifth is for rules. */
static void make_room(struct rts_rule_cache *cache)
{
    size_t limit = cache->share->limit;
    size_t rule_bytes = cache->rules.count * RULE_BYTES + cache->expression_bytes;
    if (cache->expression_bytes >= EXPRESSION_BYTES_MAX || (limit && rule_bytes > limit / 5)) {
        cache->share->evictions += cache->entries.count + cache->older.count;
        empty(cache);
        return;
    }
    size_t entries_max = limit ? limit * 2 / 5 / ENTRY_BYTES : ENTRIES_MAX / 2;
    if (cache->entries.count < entries_max)
        return;
    cache->share->evictions += cache->older.count;
    cache->bytes -= cache->older.count * ENTRY_BYTES;
    rts_share_take(cache->share, cache->older.count * ENTRY_BYTES);
    free_all(&cache->older);
    cache->older = cache->entries;
    cache->entries = (struct rts_table){0};
}

void rts_rule_cache_destroy(struct rts_rule_cache *cache)
{
    if (!cache)
        return;
    empty(cache);
    free(cache->expressions);
    free(cache);
}

static void own_expression(void *context, struct rts_expression *expression)
{
    struct rts_rule_cache *cache = context;
    cache->expressions = rts_grow(cache->expressions, cache->expression_count,
                                  &cache->expression_capacity, sizeof *cache->expressions);
    cache->expressions[cache->expression_count++] = expression;
    size_t bytes =
        rts_heap_bytes(sizeof *expression + expression->count * sizeof expression->operations[0]);
    cache->expression_bytes += bytes;
    grow(cache, bytes + sizeof expression);
}

static bool same_rule(const void *item, const void *key)
{
    return memcmp(item, key, sizeof(struct rts_rule)) == 0;
}

static const struct rts_rule *intern(struct rts_rule_cache *cache, const struct rts_rule *rule)
{
    uint64_t hash = rts_hash_bytes(rule, sizeof *rule, 0);
    struct rts_rule *known = rts_table_find(&cache->rules, hash, same_rule, rule);
    if (known)
        return known;
    known = rts_calloc(1, sizeof *known);
    *known = *rule;
    rts_table_add(&cache->rules, hash, known);
    grow(cache, RULE_BYTES);
    return known;
}

static enum rts_rule_result compile(struct rts_rule_cache *cache, struct rts_object *object,
                                    uint64_t vaddr, bool exact, const struct rts_rule **interned)
{
    enum rts_rule_result result = RTS_RULE_NO_CFI;
    if (rts_object_machine(object) != cache->arch->elf_machine)
        return result;
    struct rts_rule rule;
    /* Before any CFI: that of the byte before a return address is another function's here. */
    if (rts_text_is_signal_return(cache->arch, object, vaddr, exact)) {
        rts_rule_of_signal(cache->arch, &rule);
        *interned = intern(cache, &rule);
        return RTS_RULE_FOUND;
    }
    const uint64_t at = exact ? vaddr : vaddr - 1;
    const uint64_t undefined = rts_object_cfi_mentions(object, at).undefined;
    for (int section = 0; section < 2; section++) {
        Dwarf_CFI *cfi = section == 0 ? rts_object_eh_cfi(object) : rts_object_debug_cfi(object);
        if (!cfi)
            continue;
        result = rts_rule_compile(cache->arch, cfi, at, undefined, &rule, own_expression, cache);
        if (result == RTS_RULE_FOUND)
            *interned = intern(cache, &rule);
        if (result != RTS_RULE_NO_CFI)
            return result;
    }
    uint32_t size = 0;
    unsigned words, or_more;
    switch (rts_object_go_frame(object, at, &size)) {
    case RTS_GO_FRAME_UNKNOWN: return RTS_RULE_NO_FRAME;
    case RTS_GO_FRAME_NONE:
        if (!exact || !rts_text_words_pushed(cache->arch, object, vaddr, &words, &or_more))
            return RTS_RULE_NO_CFI;
        rts_rule_of_pushed(cache->arch, words, or_more, &rule);
        break;
    case RTS_GO_FRAME_OUTERMOST: rts_rule_from_go_frame(cache->arch, true, size, &rule); break;
    default: rts_rule_from_go_frame(cache->arch, false, size, &rule);
    }
    *interned = intern(cache, &rule);
    return RTS_RULE_FOUND;
}

static bool same_entry(const void *item, const void *key)
{
    const struct entry *a = item, *b = key;
    return a->vaddr == b->vaddr && a->serial == b->serial && a->exact == b->exact;
}

static struct entry *entry_of(struct rts_rule_cache *cache, const struct rts_object *object,
                              uint64_t vaddr, bool exact)
{
    struct entry key = {.serial = rts_object_serial(object), .vaddr = vaddr, .exact = exact};
    uint64_t hash = rts_hash_u64(vaddr ^ (uint64_t)key.serial << 44 ^ (uint64_t)exact << 63);
    struct entry *entry = rts_table_find(&cache->entries, hash, same_entry, &key);
    if (entry)
        return entry;
    make_room(cache);
    entry = rts_table_remove(&cache->older, hash, same_entry, &key);
    if (!entry) {
        entry = rts_calloc(1, sizeof *entry);
        *entry = key;
        grow(cache, ENTRY_BYTES);
    }
    rts_table_add(&cache->entries, hash, entry);
    return entry;
}

enum rts_rule_result rts_rule_cache_find(struct rts_rule_cache *cache, struct rts_object *object,
                                         uint64_t vaddr, bool exact, const struct rts_rule **rule)
{
    struct entry *entry = entry_of(cache, object, vaddr, exact);
    cache->lookups++;
    if (!entry->compiled) {
        cache->misses++;
        entry->result = compile(cache, object, vaddr, exact, &entry->rule);
        entry->compiled = true;
    }
    *rule = entry->rule;
    return entry->result;
}

/* The remembered answer, or the one that `ask` gives now. */
static bool remember(struct rts_rule_cache *cache, uint8_t *verdict, struct rts_object *object,
                     uint64_t vaddr,
                     bool (*ask)(const struct rts_architecture *, struct rts_object *, uint64_t))
{
    if (*verdict == NOT_ASKED)
        *verdict = ask(cache->arch, object, vaddr) ? YES : NO;
    return *verdict == YES;
}

bool rts_rule_cache_after_call(struct rts_rule_cache *cache, struct rts_object *object,
                               uint64_t vaddr)
{
    uint8_t *verdict = &entry_of(cache, object, vaddr, false)->after_call;
    return remember(cache, verdict, object, vaddr, rts_text_after_call);
}

bool rts_rule_cache_in_epilogue(struct rts_rule_cache *cache, struct rts_object *object,
                                uint64_t vaddr)
{
    uint8_t *verdict = &entry_of(cache, object, vaddr, true)->in_epilogue;
    return remember(cache, verdict, object, vaddr, rts_text_in_epilogue);
}

bool rts_rule_cache_has_frame_pointer(struct rts_rule_cache *cache, struct rts_object *object,
                                      uint64_t vaddr)
{
    uint8_t *verdict = &entry_of(cache, object, vaddr, true)->has_frame_pointer;
    return remember(cache, verdict, object, vaddr, rts_text_has_frame_pointer);
}

bool rts_rule_cache_is_outermost(struct rts_rule_cache *cache, struct rts_object *object,
                                 uint64_t vaddr, bool exact)
{
    struct entry *entry = entry_of(cache, object, vaddr, exact);
    if (entry->outermost == NOT_ASKED)
        entry->outermost = rts_text_is_outermost(cache->arch, object, vaddr, exact) ? YES : NO;
    return entry->outermost == YES;
}

void rts_rule_cache_counts(const struct rts_rule_cache *cache, uint64_t *lookups, uint64_t *misses)
{
    *lookups = cache->lookups;
    *misses = cache->misses;
}
