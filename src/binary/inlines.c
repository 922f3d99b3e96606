/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/inlines.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "binary/debug_file.h"
#include "binary/dwarf_handle.h"
#include "binary/dwarf_image.h"
#include "binary/dwarf_units.h"
#include "util/memory.h"
#include "util/share.h"

/* Lexical blocks and inlined calls inside one another. */
#define NESTING_MAX 256
/* DIEs and ranges looked at for one address; a large function has some ten thousand. */
#define LOOKUP_BUDGET (1u << 20)
/* Longer names are left out, as those of symbols are. */
#define NAME_LENGTH_MAX 16384

/* From an inlined call to its function, from there to its declaration, and some detours. */
#define ORIGINS_MAX 16

struct rts_inlines {
    uint8_t *image, *common_image;
    size_t image_size, common_size;
    struct rts_dwarf_handle handle;
    struct rts_dwarf_handle common; /* what dwz moved elsewhere; empty: nothing */
    struct rts_splits *splits;
    struct rts_dwarf_units units;
};

static void open_common(struct rts_inlines *inlines, const struct rts_elf_image *image,
                        const struct rts_debug_place *place)
{
    struct rts_elf_image found;
    if (!rts_debug_file_find_common(&found, image, place))
        return;
    inlines->common_image = rts_dwarf_image_create(&found, &inlines->common_size, place->unread);
    rts_elf_image_finish(&found);
    if (inlines->common_image &&
        rts_dwarf_handle_open(&inlines->common, inlines->common_image, inlines->common_size))
        dwarf_setalt(inlines->handle.dwarf, inlines->common.dwarf);
}

struct rts_inlines *rts_inlines_create(const struct rts_elf_image *image,
                                       const struct rts_debug_place *place)
{
    size_t size;
    uint8_t *bytes = rts_dwarf_image_create(image, &size, place->unread);
    if (!bytes)
        return NULL;
    struct rts_inlines *inlines = rts_calloc(1, sizeof *inlines);
    inlines->image = bytes;
    inlines->image_size = size;
    if (!rts_dwarf_handle_open(&inlines->handle, bytes, size)) {
        rts_inlines_destroy(inlines);
        return NULL;
    }
    open_common(inlines, image, place);
    inlines->splits = rts_splits_create(place, bytes);
    rts_dwarf_units_init(&inlines->units, inlines->handle.dwarf, inlines->splits);
    return inlines;
}

void rts_inlines_destroy(struct rts_inlines *inlines)
{
    if (!inlines)
        return;
    rts_dwarf_units_finish(&inlines->units);
    rts_splits_destroy(inlines->splits);
    rts_dwarf_handle_close(&inlines->handle);
    rts_dwarf_handle_close(&inlines->common);
    free(inlines->image);
    free(inlines->common_image);
    free(inlines);
}

size_t rts_inlines_bytes(const struct rts_inlines *inlines)
{
    return rts_heap_bytes(inlines->image_size) + rts_heap_bytes(inlines->common_size) +
           rts_heap_bytes(sizeof *inlines) + 2 * RTS_DWARF_HANDLE_BYTES +
           (inlines->splits ? rts_splits_bytes(inlines->splits) : 0) +
           rts_dwarf_units_bytes(&inlines->units);
}

static const char *own_name(Dwarf_Die *die)
{
    static const unsigned int kinds[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Dwarf_Attribute attribute;
        const char *name = dwarf_formstring(dwarf_attr(die, kinds[i], &attribute));
        if (name && name[0] && strnlen(name, NAME_LENGTH_MAX + 1) <= NAME_LENGTH_MAX)
            return name;
    }
    return NULL;
}

/* The linkage name where any DIE on the way to the declaration has one, else the name that comes
 * first. libdw would go on from a unit to the file that it was split into, which it opens by
 * itself. */
static const char *name_of(const Dwarf_Die *call)
{
    Dwarf_Die die = *call;
    const char *plain = NULL;
    for (size_t count = 0; count < ORIGINS_MAX; count++) {
        Dwarf_Attribute attribute;
        bool is_linkage_name =
            dwarf_hasattr(&die, DW_AT_linkage_name) || dwarf_hasattr(&die, DW_AT_MIPS_linkage_name);
        const char *name = own_name(&die);
        if (name && is_linkage_name)
            return name;
        plain = plain ? plain : name;
        if ((!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
             !dwarf_attr(&die, DW_AT_specification, &attribute)) ||
            !dwarf_formref_die(&attribute, &die))
            break;
    }
    return plain;
}

/* Moves *die to that child which covers `vaddr`; false when none does. */
static bool descend(Dwarf_Die *die, const struct rts_dwarf_addresses *addresses, uint64_t vaddr,
                    uint64_t *start, uint64_t *end, uint64_t *budget)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0)
        return false;
    do {
        if (*budget == 0)
            return false;
        --*budget;
        int tag = dwarf_tag(&child);
        if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
             tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
            rts_dwarf_die_covers(&child, addresses, vaddr, start, end, budget)) {
            *die = child;
            return true;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

static void reverse(struct rts_function *functions, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct rts_function other = functions[i];
        functions[i] = functions[count - 1 - i];
        functions[count - 1 - i] = other;
    }
}

size_t rts_inlines_at(struct rts_inlines *inlines, uint64_t vaddr, struct rts_function *functions,
                      size_t capacity)
{
    Dwarf_Die die;
    uint64_t start, end, budget = LOOKUP_BUDGET;
    size_t count = 0;
    const struct rts_dwarf_addresses *addresses;
    if (!rts_dwarf_units_function(&inlines->units, vaddr, &die, &addresses))
        return 0;
    for (size_t depth = 0; depth < NESTING_MAX && count < capacity &&
                           descend(&die, addresses, vaddr, &start, &end, &budget);
         depth++) {
        const char *name = dwarf_tag(&die) == DW_TAG_inlined_subroutine ? name_of(&die) : NULL;
        if (name)
            functions[count++] = (struct rts_function){
                .name = name,
                .start = start,
                .size = end - start,
                .source = RTS_SYMBOL_INLINE,
                .linkage = RTS_LINKAGE_LOCAL,
            };
    }
    reverse(functions, count);
    return count;
}
