/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/rule_cache.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
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
    bool compiled; /* result and rule are there */
    enum rts_rule_result result;
    const struct rts_rule *rule;
    uint8_t after_call, in_epilogue, has_frame_pointer; /* enum verdict */
};

struct rts_rule_cache {
    const struct rts_architecture *arch;
    struct rts_table entries;
    struct rts_table rules; /* struct rts_rule, each distinct one once */
    struct rts_expression **expressions;
    size_t expression_count, expression_capacity, expression_bytes;
    uint64_t lookups, misses;
};

struct rts_rule_cache *rts_rule_cache_create(const struct rts_architecture *arch)
{
    struct rts_rule_cache *cache = rts_calloc(1, sizeof *cache);
    cache->arch = arch;
    return cache;
}

static void free_all(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_clear(table);
}

static void empty(struct rts_rule_cache *cache)
{
    free_all(&cache->entries);
    free_all(&cache->rules);
    for (size_t i = 0; i < cache->expression_count; i++)
        free(cache->expressions[i]);
    cache->expression_count = cache->expression_bytes = 0;
}

void rts_rule_cache_destroy(struct rts_rule_cache *cache)
{
    if (!cache)
        return;
    empty(cache);
    rts_table_finish(&cache->entries);
    rts_table_finish(&cache->rules);
    free(cache->expressions);
    free(cache);
}

static void own_expression(void *context, struct rts_expression *expression)
{
    struct rts_rule_cache *cache = context;
    cache->expressions = rts_grow(cache->expressions, cache->expression_count,
                                  &cache->expression_capacity, sizeof *cache->expressions);
    cache->expressions[cache->expression_count++] = expression;
    cache->expression_bytes +=
        sizeof *expression + expression->count * sizeof expression->operations[0];
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
    return known;
}

static enum rts_rule_result compile(struct rts_rule_cache *cache, struct rts_object *object,
                                    uint64_t vaddr, const struct rts_rule **interned)
{
    enum rts_rule_result result = RTS_RULE_NO_CFI;
    if (rts_object_machine(object) != cache->arch->elf_machine)
        return result;
    for (int section = 0; section < 2; section++) {
        Dwarf_CFI *cfi = section == 0 ? rts_object_eh_cfi(object) : rts_object_debug_cfi(object);
        if (!cfi)
            continue;
        struct rts_rule rule;
        result = rts_rule_compile(cache->arch, cfi, vaddr, &rule, own_expression, cache);
        if (result == RTS_RULE_FOUND)
            *interned = intern(cache, &rule);
        if (result != RTS_RULE_NO_CFI)
            return result;
    }
    uint32_t size = 0;
    struct rts_rule rule;
    enum rts_go_frame frame = rts_object_go_frame(object, vaddr, &size);
    if (frame == RTS_GO_FRAME_NONE)
        return result;
    if (frame == RTS_GO_FRAME_UNKNOWN)
        return RTS_RULE_NO_FRAME;
    rts_rule_from_go_frame(cache->arch, frame == RTS_GO_FRAME_OUTERMOST, size, &rule);
    *interned = intern(cache, &rule);
    return RTS_RULE_FOUND;
}

static bool same_entry(const void *item, const void *key)
{
    const struct entry *a = item, *b = key;
    return a->vaddr == b->vaddr && a->serial == b->serial;
}

static struct entry *entry_of(struct rts_rule_cache *cache, const struct rts_object *object,
                              uint64_t vaddr)
{
    struct entry key = {.serial = rts_object_serial(object), .vaddr = vaddr};
    uint64_t hash = rts_hash_u64(vaddr ^ (uint64_t)key.serial << 44);
    struct entry *entry = rts_table_find(&cache->entries, hash, same_entry, &key);
    if (entry)
        return entry;
    if (cache->entries.count >= ENTRIES_MAX || cache->expression_bytes >= EXPRESSION_BYTES_MAX)
        empty(cache);
    entry = rts_calloc(1, sizeof *entry);
    *entry = key;
    rts_table_add(&cache->entries, hash, entry);
    return entry;
}

enum rts_rule_result rts_rule_cache_find(struct rts_rule_cache *cache, struct rts_object *object,
                                         uint64_t vaddr, const struct rts_rule **rule)
{
    struct entry *entry = entry_of(cache, object, vaddr);
    cache->lookups++;
    if (!entry->compiled) {
        cache->misses++;
        entry->result = compile(cache, object, vaddr, &entry->rule);
        entry->compiled = true;
    }
    *rule = entry->rule;
    return entry->result;
}

static bool ask_after_call(const struct rts_architecture *arch, struct rts_object *object,
                           uint64_t vaddr)
{
    uint8_t text[RTS_CALL_BYTES];
    return rts_object_read_text(object, vaddr - sizeof text, text, sizeof text) == sizeof text &&
           arch->inspection->ends_in_call(text);
}

static bool ask_in_epilogue(const struct rts_architecture *arch, struct rts_object *object,
                            uint64_t vaddr)
{
    uint8_t text[RTS_EPILOGUE_BYTES];
    size_t size = rts_object_read_text(object, vaddr, text, sizeof text);
    return arch->inspection->is_epilogue(text, size);
}

static bool ask_has_frame_pointer(const struct rts_architecture *arch, struct rts_object *object,
                                  uint64_t vaddr)
{
    uint8_t text[RTS_PROLOGUE_BYTES];
    struct rts_function functions[RTS_INLINE_DEPTH_MAX + 1];
    size_t count =
        rts_object_functions(object, vaddr, functions, sizeof functions / sizeof *functions);
    uint64_t size = count > 0 ? vaddr - functions[count - 1].start : sizeof text / 4;
    /* The start of a long function is what matters. */
    uint64_t start = size <= vaddr ? vaddr - size : 0;
    if (size > sizeof text)
        size = sizeof text;
    return rts_object_read_text(object, start, text, (size_t)size) == size &&
           arch->inspection->sets_frame_pointer(text, (size_t)size);
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
    uint8_t *verdict = &entry_of(cache, object, vaddr)->after_call;
    return remember(cache, verdict, object, vaddr, ask_after_call);
}

bool rts_rule_cache_in_epilogue(struct rts_rule_cache *cache, struct rts_object *object,
                                uint64_t vaddr)
{
    uint8_t *verdict = &entry_of(cache, object, vaddr)->in_epilogue;
    return remember(cache, verdict, object, vaddr, ask_in_epilogue);
}

bool rts_rule_cache_has_frame_pointer(struct rts_rule_cache *cache, struct rts_object *object,
                                      uint64_t vaddr)
{
    uint8_t *verdict = &entry_of(cache, object, vaddr)->has_frame_pointer;
    return remember(cache, verdict, object, vaddr, ask_has_frame_pointer);
}

void rts_rule_cache_counts(const struct rts_rule_cache *cache, uint64_t *lookups, uint64_t *misses)
{
    *lookups = cache->lookups;
    *misses = cache->misses;
}
