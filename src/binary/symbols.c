/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "binary/elf_symbols.h"
#include "binary/elf_versions.h"
#include "util/buffer.h"
#include "util/memory.h"
#include "util/share.h"

/* Names may share the end of a string, or all of it, in the file, and are copied apart: so a small
 * file could make a large table. Linkers save a tenth or so by sharing. */
#define NAMES_PER_STRING 4

/* Mapping symbols mark code and data in the sections of ARM and other machines: a dollar sign, a
 * letter, and nothing or a dot and anything. */
static bool is_mapping_symbol(const char *name)
{
    return name[0] == '$' && name[1] != '\0' && (name[2] == '\0' || name[2] == '.');
}

static bool is_defined(const Elf64_Sym *symbol)
{
    return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
           symbol->st_shndx != SHN_COMMON;
}

/* The order of the choice among names of one address: type, then binding. False for a symbol that
 * is not a function. */
static bool preference_of(const Elf64_Sym *symbol, uint8_t *preference)
{
    uint8_t type = ELF64_ST_TYPE(symbol->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    enum rts_linkage linkage;
    switch (ELF64_ST_BIND(symbol->st_info)) {
    case STB_GLOBAL:
    case STB_GNU_UNIQUE: linkage = RTS_LINKAGE_GLOBAL; break;
    case STB_WEAK: linkage = RTS_LINKAGE_WEAK; break;
    case STB_LOCAL: linkage = RTS_LINKAGE_LOCAL; break;
    default: return false;
    }
    *preference = (uint8_t)((type == STT_NOTYPE ? 4U : 0U) + linkage);
    return true;
}

static uint32_t keep_name(struct rts_symbols *symbols, const char *name, size_t length)
{
    while (symbols->names_capacity - symbols->names_size < length + 1) {
        symbols->names_capacity = symbols->names_capacity ? symbols->names_capacity * 2 : 4096;
        symbols->names = rts_realloc_array(symbols->names, symbols->names_capacity, 1);
    }
    uint32_t offset = (uint32_t)symbols->names_size;
    memcpy(symbols->names + offset, name, length);
    symbols->names[offset + length] = '\0';
    symbols->names_size += length + 1;
    return offset;
}

/* Whether something begins at a symbol that is not a function: constants between the code, say. The
 * values of thread-local ones are not addresses. */
static bool is_mark(const Elf64_Sym *symbol)
{
    uint8_t type = ELF64_ST_TYPE(symbol->st_info);
    return type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

/* Would one more, with a name of that size, be too much? */
static bool is_full(const struct rts_symbols *symbols, size_t name_size)
{
    size_t bytes =
        (symbols->count + 1) * sizeof *symbols->entries + symbols->names_size + name_size;
    return symbols->bytes_max > 0 && bytes > symbols->bytes_max;
}

static void add_mark(struct rts_symbols *symbols, uint64_t start, enum rts_symbol_source source)
{
    /* It has the empty name, which ends the last one. */
    if (symbols->names_size == 0 && symbols->names_limit > 0)
        keep_name(symbols, "", 0);
    symbols->left_out |= is_full(symbols, 0);
    if (symbols->names_size == 0 || symbols->left_out)
        return;
    symbols->entries =
        rts_grow(symbols->entries, symbols->count, &symbols->capacity, sizeof *symbols->entries);
    symbols->entries[symbols->count++] = (struct rts_symbol_entry){
        .start = start,
        .name = (uint32_t)symbols->names_size - 1,
        .preference = RTS_SYMBOL_MARK,
        .source = (uint8_t)source,
    };
}

static bool is_in_code(const Elf64_Sym *symbol, const struct rts_elf_image *mapped)
{
    return is_defined(symbol) && rts_elf_image_is_code(mapped, symbol->st_value);
}

/* `length`: of the name, without its version. False: there is no room for names any more. */
static bool add_symbol(struct rts_symbols *symbols, const Elf64_Sym *symbol, uint8_t preference,
                       const char *name, size_t length, enum rts_symbol_source source)
{
    if (length == 0 || length > RTS_SYMBOL_NAME_MAX) {
        add_mark(symbols, symbol->st_value, source);
        return true;
    }
    if (length + 1 > symbols->names_limit - symbols->names_size || is_full(symbols, length + 1))
        return false;
    uint64_t size = symbol->st_size;
    if (symbol->st_value + size < symbol->st_value)
        size = 0;
    symbols->entries =
        rts_grow(symbols->entries, symbols->count, &symbols->capacity, sizeof *symbols->entries);
    symbols->entries[symbols->count++] = (struct rts_symbol_entry){
        .start = symbol->st_value,
        .size = size,
        .name = keep_name(symbols, name, length),
        .preference = preference,
        .source = (uint8_t)source,
    };
    return true;
}

void rts_symbols_add_function(struct rts_symbols *symbols, uint64_t start, uint64_t size,
                              const char *name, const struct rts_elf_image *mapped,
                              enum rts_symbol_source source)
{
    const Elf64_Sym symbol = {
        .st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
        .st_shndx = 1, /* defined */
        .st_value = start,
        .st_size = size,
    };
    uint8_t preference;
    if (is_in_code(&symbol, mapped) && preference_of(&symbol, &preference))
        add_symbol(symbols, &symbol, preference, name, strnlen(name, RTS_SYMBOL_NAME_MAX + 1),
                   source);
}

void rts_symbols_allow_names(struct rts_symbols *symbols, uint64_t bytes)
{
    symbols->names_limit += bytes < RTS_SYMBOL_NAMES_MAX ? bytes * NAMES_PER_STRING : 0;
    if (symbols->names_limit > RTS_SYMBOL_NAMES_MAX)
        symbols->names_limit = RTS_SYMBOL_NAMES_MAX;
}

/* Puts a name together again that the linker took apart at an @. */
static const char *whole_name(const char *name, const char *cut_off, struct rts_buffer *buffer)
{
    rts_buffer_clear(buffer);
    rts_buffer_append(buffer, name, strnlen(name, RTS_SYMBOL_NAME_MAX));
    rts_buffer_text(buffer, "@");
    rts_buffer_append(buffer, cut_off, strnlen(cut_off, RTS_SYMBOL_NAME_MAX));
    rts_buffer_append(buffer, "", 1);
    return buffer->data;
}

/* What tells a table that has the static functions from one that they were taken from, by the
 * linker (-x) or later: the names of their sources, which linkers leave out then, and at least one
 * of them, which strip takes. What was global and is hidden is not one of them. */
struct signs {
    bool files, locals;
};

static void look_for_signs(const Elf64_Sym *symbol, bool in_code, struct signs *signs)
{
    uint8_t type = ELF64_ST_TYPE(symbol->st_info);
    if (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL)
        return;
    signs->files |= type == STT_FILE;
    signs->locals |= in_code && type != STT_SECTION && type != STT_OBJECT &&
                     ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
}

/* What the symbols of one table have in common. */
struct adding {
    const struct rts_elf_symbols *table;
    const struct rts_elf_versions *versions;
    enum rts_symbol_source source;
    bool dynamic;
    struct rts_buffer buffer;
};

/* A symbol in the code. False: there is no room for names any more. */
static bool add_from_table(struct rts_symbols *symbols, struct adding *adding, size_t index)
{
    const Elf64_Sym *symbol = &adding->table->symbols[index];
    const char *name = rts_elf_symbols_name(adding->table, symbol);
    uint8_t preference;
    if (is_mapping_symbol(name))
        return true;
    if (!preference_of(symbol, &preference)) {
        if (is_mark(symbol))
            add_mark(symbols, symbol->st_value, adding->source);
        return true;
    }
    const char *cut_off =
        adding->dynamic ? rts_elf_versions_cut_off(adding->versions, index) : NULL;
    if (cut_off)
        name = whole_name(name, cut_off, &adding->buffer);
    size_t length = strnlen(name, RTS_SYMBOL_NAME_MAX + 1);
    length = rts_elf_versions_bare_length(adding->versions, name, length);
    return add_symbol(symbols, symbol, preference, name, length, adding->source);
}

void rts_symbols_add(struct rts_symbols *symbols, const struct rts_elf_image *image, uint32_t type,
                     const struct rts_elf_image *mapped, enum rts_symbol_source source)
{
    struct rts_elf_symbols table;
    struct rts_elf_versions versions;
    struct adding adding = {&table, &versions, source, type == SHT_DYNSYM, RTS_BUFFER_INIT};
    struct signs signs = {0};
    if (!rts_elf_symbols_load(&table, image, type))
        return;
    rts_elf_versions_load(&versions, mapped);
    /* Honest tables save little by sharing. */
    rts_symbols_allow_names(symbols, table.strings_size / (image->foreign ? NAMES_PER_STRING : 1));
    for (size_t i = 0; i < table.count && !symbols->left_out; i++) {
        bool in_code = is_in_code(&table.symbols[i], mapped);
        look_for_signs(&table.symbols[i], in_code, &signs);
        if (in_code)
            symbols->left_out =
                symbols->count >= RTS_SYMBOLS_MAX || !add_from_table(symbols, &adding, i);
    }
    /* Into MiniDebugInfo go those only that .dynsym has not, and of them not all. */
    symbols->has_all |= signs.files && signs.locals &&
                        (source == RTS_SYMBOL_SYMTAB || source == RTS_SYMBOL_DEBUGFILE);
    rts_buffer_finish(&adding.buffer);
    rts_elf_versions_unload(&versions);
    rts_elf_symbols_unload(&table);
}

static int compare_entries(const void *left, const void *right, void *context)
{
    const struct rts_symbol_entry *a = left, *b = right;
    const char *names = context;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    int order = strcmp(names + a->name, names + b->name);
    if (order == 0)
        order = a->source - b->source;
    return order ? order : a->preference - b->preference;
}

/* Compares "NAME@", of which `bare` has the first part, with the beginning of a name. */
static int compare_cut(const char *bare, size_t length, const char *name)
{
    int order = strncmp(bare, name, length);
    return order ? order : '@' - (unsigned char)name[length];
}

/* Whether another table has the whole name of an entry that a linker cut at an @: one of those that
 * follow it up to `end`, which are sorted and of the same address. */
static bool is_cut(const struct rts_symbols *symbols, size_t index, size_t end)
{
    const struct rts_symbol_entry *entry = &symbols->entries[index];
    const char *bare = symbols->names + entry->name;
    size_t length = strlen(bare), low = index + 1, high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_cut(bare, length, symbols->names + symbols->entries[middle].name) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && symbols->entries[low].source != entry->source &&
           compare_cut(bare, length, symbols->names + symbols->entries[low].name) == 0;
}

static void drop_cut_names(struct rts_symbols *symbols)
{
    size_t kept = 0, end = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        while (end < symbols->count && symbols->entries[end].start == symbols->entries[i].start)
            end++;
        if (!is_cut(symbols, i, end))
            symbols->entries[kept++] = symbols->entries[i];
    }
    symbols->count = kept;
}

/* Of repetitions the first stays, with the best of their sizes and preferences. */
static void drop_repetitions(struct rts_symbols *symbols)
{
    size_t kept = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        const struct rts_symbol_entry *entry = &symbols->entries[i];
        struct rts_symbol_entry *last = kept ? &symbols->entries[kept - 1] : NULL;
        if (!last || last->start != entry->start ||
            strcmp(symbols->names + last->name, symbols->names + entry->name) != 0) {
            symbols->entries[kept++] = *entry;
            continue;
        }
        if (last->size == 0)
            last->size = entry->size;
        if (entry->preference < last->preference)
            last->preference = entry->preference;
    }
    symbols->count = kept;
}

void rts_symbols_seal(struct rts_symbols *symbols)
{
    if (symbols->count == 0)
        return;
    qsort_r(symbols->entries, symbols->count, sizeof *symbols->entries, compare_entries,
            symbols->names);
    if (memchr(symbols->names, '@', symbols->names_size))
        drop_cut_names(symbols);
    drop_repetitions(symbols);
    symbols->entries =
        rts_realloc_array(symbols->entries, symbols->count, sizeof *symbols->entries);
    symbols->names = rts_realloc_array(symbols->names, symbols->names_size, 1);
    uint64_t reach = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        struct rts_symbol_entry *entry = &symbols->entries[i];
        if (entry->start + entry->size > reach)
            reach = entry->start + entry->size;
        entry->reach = reach;
    }
}

void rts_symbols_finish(struct rts_symbols *symbols)
{
    size_t position = 0;
    void *list;
    while ((list = rts_table_next(&symbols->aliases, &position)))
        free(list);
    rts_table_finish(&symbols->aliases);
    free(symbols->entries);
    free(symbols->names);
    *symbols = (struct rts_symbols){0};
}

const char *rts_symbols_name(const struct rts_symbols *symbols,
                             const struct rts_symbol_entry *entry)
{
    return symbols->names + entry->name;
}

size_t rts_symbols_bytes(const struct rts_symbols *symbols)
{
    /* Most have one name or two. */
    size_t alias_list = rts_heap_bytes(4 * sizeof(char *));
    return rts_heap_bytes(symbols->count * sizeof *symbols->entries) +
           rts_heap_bytes(symbols->names_size) + symbols->aliases.count * alias_list +
           rts_table_bytes(&symbols->aliases);
}
