/* SPDX-License-Identifier: Apache-2.0 */
/* rts_object_functions(): the order in which the sources of names are asked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/dwarf_image.h"
#include "binary/go_functions.h"
#include "binary/mini_debug.h"
#include "binary/object_state.h"
#include "binary/section_data.h"
#include "util/memory.h"

struct place_name {
    char text[sizeof "offset_" + 16];
};

static void add_go_functions(struct rts_object *object)
{
    const struct rts_go_table *table = rts_object_go_table(object);
    if (table)
        rts_go_functions_add(&object->symbols, table);
}

/* Symbols and their names, as the file has them. */
static uint64_t symbol_bytes(const struct rts_elf_image *image)
{
    uint64_t bytes = 0;
    for (size_t i = 0; image && i < image->section_count; i++) {
        const Elf64_Shdr *header = &image->sections[i].header;
        bool counts = header->sh_type == SHT_SYMTAB || header->sh_type == SHT_DYNSYM ||
                      header->sh_type == SHT_STRTAB;
        bytes += counts && header->sh_size < image->size ? header->sh_size : 0;
    }
    return bytes;
}

static size_t room_for_one(const struct rts_object *object)
{
    return object->share ? rts_share_of_one(object->share, object->owner) : SIZE_MAX;
}

static void read_symbols(struct rts_object *object)
{
    struct rts_symbols *symbols = &object->symbols;
    const struct rts_elf_image *image = &object->image;
    const struct rts_elf_image *companion = rts_object_companion(object);
    uint64_t bytes = 2 * (symbol_bytes(image) + symbol_bytes(companion));
    size_t room = room_for_one(object);
    rts_object_make_room(object, bytes < room ? bytes : room);
    symbols->bytes_max = room < SIZE_MAX ? room : 0;
    rts_symbols_add(symbols, image, SHT_SYMTAB, image, RTS_SYMBOL_SYMTAB);
    if (companion)
        rts_symbols_add(symbols, companion, SHT_SYMTAB, image, RTS_SYMBOL_DEBUGFILE);
    struct rts_elf_image mini;
    if (rts_mini_debug_open(&mini, image)) {
        rts_symbols_add(symbols, &mini, SHT_SYMTAB, image, RTS_SYMBOL_MINIDEBUG);
        rts_elf_image_finish(&mini);
    }
    /* Whoever kept the symbols has the same names in them. */
    if (symbols->count == 0)
        add_go_functions(object);
    rts_symbols_add(symbols, image, SHT_DYNSYM, image, RTS_SYMBOL_DYNSYM);
    rts_symbols_seal(symbols);
    if (symbols->left_out && room < SIZE_MAX)
        rts_unread_say(&object->unread, RTS_UNREAD_NO_ROOM, "its table of symbols");
}

static void load_symbols(struct rts_object *object)
{
    if (object->symbols_loaded)
        return;
    object->symbols_loaded = true;
    /* A second time without a debug file that is another one by now. */
    for (int i = 0; i < 2; i++) {
        read_symbols(object);
        if (rts_object_part_is_sound(object))
            return;
        rts_symbols_finish(&object->symbols);
    }
}

static void load_plt(struct rts_object *object)
{
    if (object->plt_loaded)
        return;
    object->plt_loaded = true;
    rts_plt_init(&object->plt, &object->image);
    if (!rts_object_part_is_sound(object))
        rts_plt_finish(&object->plt);
}

bool rts_object_linkage_slot(struct rts_object *object, uint64_t vaddr,
                             struct rts_linkage_slot *slot)
{
    load_plt(object);
    const struct rts_plt_slot *found = rts_plt_find(&object->plt, vaddr);
    if (!found)
        return false;
    *slot = (struct rts_linkage_slot){found->start, found->size, found->pushed};
    return true;
}

/* Is it one of the sections with debug information that are read? Others, such as those of lines
 * and of variables, are as large. */
static bool is_read(const struct rts_section *section)
{
    const char *name = section->name;
    char plain[RTS_DWARF_NAME_SIZE];
    if (strncmp(name, ".zdebug_", 8) == 0) {
        snprintf(plain, sizeof plain, ".%s", name + 2);
        name = plain;
    }
    if (strncmp(name, ".debug_", 7) != 0)
        return false;
    for (unsigned i = 1; i < RTS_DWARF_SECTIONS; i++)
        if (strcmp(name, rts_dwarf_section_name(i)) == 0)
            return true;
    return false;
}

/* What its debug information takes once it is decompressed, and some more for what libdw makes of
 * it. */
static uint64_t debug_bytes(const struct rts_elf_image *image)
{
    uint64_t bytes = 0;
    for (size_t i = 0; image && i < image->section_count; i++) {
        const struct rts_section *section = &image->sections[i];
        uint64_t size = is_read(section) ? rts_section_data_size(image, section) : 0;
        bytes += size < RTS_DWARF_SIZE_MAX ? size : 0;
    }
    return bytes + bytes / 8;
}

static struct rts_inlines *load_inlines(struct rts_object *object)
{
    if (!object->inlines_tried) {
        object->inlines_tried = true;
        uint64_t bytes = debug_bytes(&object->image); /* then the companion's is not read */
        if (bytes == 0)
            bytes = debug_bytes(rts_object_companion(object));
        if (bytes > room_for_one(object)) {
            rts_unread_say(&object->unread, RTS_UNREAD_NO_ROOM, "its debug information");
            return NULL;
        }
        rts_object_make_room(object, bytes);
        struct rts_debug_place place = {.path = object->path,
                                        .mapped = object->path,
                                        .tree = &object->tree,
                                        .enabled = object->search,
                                        .unread = &object->unread};
        object->inlines = rts_inlines_create(&object->image, &place);
        const struct rts_elf_image *companion =
            object->inlines ? NULL : rts_object_companion(object);
        place.path = object->companion_path;
        if (companion)
            object->inlines = rts_inlines_create(companion, &place);
        if (!rts_object_part_is_sound(object)) {
            rts_inlines_destroy(object->inlines);
            object->inlines = NULL;
        }
    }
    return object->inlines;
}

static void from_symbol(struct rts_object *object, const struct rts_symbol_entry *entry,
                        struct rts_function *function)
{
    *function = (struct rts_function){
        .name = rts_symbols_name(&object->symbols, entry),
        .aliases = rts_symbols_aliases(&object->symbols, entry),
        .start = entry->start,
        .size = entry->size,
        .source = (enum rts_symbol_source)entry->source,
        .linkage = (enum rts_linkage)(entry->preference & 3),
    };
}

static bool is_place_name(const void *item, const void *key)
{
    return strcmp(((const struct place_name *)item)->text, key) == 0;
}

static const char *name_place(struct rts_object *object, const char *prefix, uint64_t start)
{
    struct place_name made;
    uint64_t hash = rts_hash_u64(start);
    snprintf(made.text, sizeof made.text, "%s_%" PRIx64, prefix, start);
    struct place_name *name = rts_table_find(&object->place_names, hash, is_place_name, made.text);
    if (!name) {
        name = rts_calloc(1, sizeof *name);
        *name = made;
        rts_table_add(&object->place_names, hash, name);
    }
    return name->text;
}

static bool from_fde(struct rts_object *object, uint64_t vaddr, struct rts_function *function)
{
    uint64_t start, end;
    if (!rts_object_fde_bounds(object, vaddr, &start, &end))
        return false;
    *function = (struct rts_function){
        .name = name_place(object, "sub", start),
        .start = start,
        .size = end - start,
        .source = RTS_SYMBOL_FDE,
        .linkage = RTS_LINKAGE_LOCAL,
    };
    return true;
}

/* The place in the file, where nothing is known of the function. */
static bool from_place(struct rts_object *object, uint64_t vaddr, struct rts_function *function)
{
    uint64_t offset, available;
    if (!rts_elf_image_offset_of(&object->image, vaddr, &offset, &available))
        return false;
    *function = (struct rts_function){
        .name = name_place(object, "offset", offset),
        .start = vaddr,
        .source = RTS_SYMBOL_NONE,
        .linkage = RTS_LINKAGE_LOCAL,
    };
    return true;
}

static bool find_function(struct rts_object *object, uint64_t vaddr, struct rts_function *function)
{
    if (rts_object_is_bare(object))
        return from_place(object, vaddr, function);
    load_symbols(object);
    load_plt(object);
    const struct rts_symbol_entry *entry = rts_symbols_covering(&object->symbols, vaddr);
    if (entry) {
        from_symbol(object, entry, function);
        return true;
    }
    const struct rts_plt_slot *slot = rts_plt_find(&object->plt, vaddr);
    if (slot && slot->name != RTS_PLT_NAMELESS) {
        *function = (struct rts_function){
            .name = object->plt.names + slot->name,
            .start = slot->start,
            .size = slot->size,
            .source = RTS_SYMBOL_PLT,
            .linkage = RTS_LINKAGE_LOCAL,
        };
        return true;
    }
    entry = rts_symbols_unsized(&object->symbols, vaddr);
    if (entry && rts_object_symbol_reaches(object, entry->start, vaddr)) {
        from_symbol(object, entry, function);
        return true;
    }
    return from_fde(object, vaddr, function) ||
           (rts_object_has_changed(object) && from_place(object, vaddr, function));
}

static bool is_called(const struct rts_function *function, const char *name)
{
    if (strcmp(function->name, name) == 0)
        return true;
    for (const char **alias = function->aliases; alias && *alias; alias++)
        if (strcmp(*alias, name) == 0)
            return true;
    return false;
}

/* GCC splits functions and inlines the parts into themselves; DWARF then has the function inlined
 * in itself, perhaps by another of its names. That is one function, with and without DWARF. */
static size_t fold_into(const struct rts_function *outer, struct rts_function *inlined,
                        size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_called(outer, inlined[i].name))
            inlined[kept++] = inlined[i];
    return kept;
}

size_t rts_object_functions(struct rts_object *object, uint64_t vaddr,
                            struct rts_function *functions, size_t capacity)
{
    struct rts_function outer;
    if (capacity == 0 || !find_function(object, vaddr, &outer)) {
        rts_object_count(object);
        return 0;
    }
    size_t room = capacity - 1 < RTS_INLINE_DEPTH_MAX ? capacity - 1 : RTS_INLINE_DEPTH_MAX;
    /* No compiler wrote a linkage table: asking DWARF would read every unit in vain. */
    struct rts_inlines *inlines = outer.source == RTS_SYMBOL_PLT ? NULL : load_inlines(object);
    size_t count = inlines ? rts_inlines_at(inlines, vaddr, functions, room) : 0;
    count = fold_into(&outer, functions, count);
    functions[count++] = outer;
    rts_object_count(object);
    return count;
}
