/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/inlines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

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

/* Of libelf and libdw. */
#define HANDLE_BYTES 4096

struct rts_inlines {
    uint8_t *image;
    size_t image_size;
    Elf *elf;
    Dwarf *dwarf;
    struct rts_dwarf_units units;
};

struct rts_inlines *rts_inlines_create(const struct rts_elf_image *image, struct rts_unread *unread)
{
    size_t size;
    uint8_t *bytes = rts_dwarf_image_create(image, &size, unread);
    if (!bytes)
        return NULL;
    struct rts_inlines *inlines = rts_calloc(1, sizeof *inlines);
    inlines->image = bytes;
    inlines->image_size = size;
    elf_version(EV_CURRENT);
    inlines->elf = elf_memory((char *)bytes, size);
    inlines->dwarf = inlines->elf ? dwarf_begin_elf(inlines->elf, DWARF_C_READ, NULL) : NULL;
    if (!inlines->dwarf) {
        rts_inlines_destroy(inlines);
        return NULL;
    }
    rts_dwarf_units_init(&inlines->units, inlines->dwarf);
    return inlines;
}

void rts_inlines_destroy(struct rts_inlines *inlines)
{
    if (!inlines)
        return;
    rts_dwarf_units_finish(&inlines->units);
    dwarf_end(inlines->dwarf);
    elf_end(inlines->elf);
    free(inlines->image);
    free(inlines);
}

size_t rts_inlines_bytes(const struct rts_inlines *inlines)
{
    return rts_heap_bytes(inlines->image_size) + rts_heap_bytes(sizeof *inlines) + HANDLE_BYTES +
           rts_dwarf_units_bytes(&inlines->units);
}

/* libdw follows abstract origins and specifications, a bounded number of them. */
static const char *name_of(Dwarf_Die *die)
{
    static const unsigned int kinds[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Dwarf_Attribute attribute;
        const char *name = dwarf_formstring(dwarf_attr_integrate(die, kinds[i], &attribute));
        if (name && name[0] && strnlen(name, NAME_LENGTH_MAX + 1) <= NAME_LENGTH_MAX)
            return name;
    }
    return NULL;
}

/* Moves *die to that child which covers `vaddr`; false when none does. */
static bool descend(Dwarf_Die *die, uint64_t vaddr, uint64_t *start, uint64_t *end,
                    uint64_t *budget)
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
            rts_dwarf_die_covers(&child, vaddr, start, end, budget)) {
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
    if (!rts_dwarf_units_function(&inlines->units, vaddr, &die))
        return 0;
    for (size_t depth = 0;
         depth < NESTING_MAX && count < capacity && descend(&die, vaddr, &start, &end, &budget);
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
