/* SPDX-License-Identifier: Apache-2.0 */
/* How far the name of a symbol without a size holds. */
#include <string.h>

#include "binary/object_state.h"

/* Linkage tables have FDEs, and need no symbols. */
static bool is_linkage_table(const struct rts_section *section)
{
    return strncmp(section->name, ".plt", 4) == 0 || strncmp(section->name, ".iplt", 5) == 0;
}

/* Whether there is a symbol for every function that has an FDE. */
static bool knows_all(const struct rts_object *object, const struct rts_fde_index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        const struct rts_fde *fde = &index->fdes[i];
        const struct rts_section *section = rts_elf_image_section_at(&object->image, fde->start);
        /* Some begin a byte before the symbol, so that a return address is within them. */
        if (section && (section->header.sh_flags & SHF_EXECINSTR) && !is_linkage_table(section) &&
            fde->size > 0 && !rts_symbols_covering(&object->symbols, fde->start) &&
            !rts_symbols_any(&object->symbols, fde->start, fde->start + fde->size))
            return false;
    }
    return true;
}

/* Whether no function is without a symbol, as far as the file tells: then what follows a symbol is
 * its function up to the next one. */
static bool has_all_symbols(struct rts_object *object)
{
    if (!object->symbols_compared) {
        object->symbols_compared = true;
        object->symbols_complete = object->symbols.has_all && !object->symbols.left_out &&
                                   object->image.by_address_count > 0 &&
                                   !rts_object_has_changed(object) &&
                                   knows_all(object, &rts_object_load_eh_cfi(object)->index) &&
                                   knows_all(object, &rts_object_load_debug_cfi(object)->index);
    }
    return object->symbols_complete;
}

/* Whether both are in one section; in one segment where section headers are gone. */
static bool in_one_section(const struct rts_elf_image *image, uint64_t start, uint64_t vaddr)
{
    if (image->by_address_count > 0)
        return rts_elf_image_section_at(image, start) == rts_elf_image_section_at(image, vaddr);
    return rts_elf_image_segment_at(image, start, PF_X) ==
           rts_elf_image_segment_at(image, vaddr, PF_X);
}

bool rts_object_symbol_reaches(struct rts_object *object, uint64_t start, uint64_t vaddr)
{
    if (start == vaddr)
        return true;
    /* A sized symbol around `start` has ended by then. */
    if (rts_symbols_covering(&object->symbols, start) ||
        !in_one_section(&object->image, start, vaddr))
        return false;
    const struct rts_fde_index *indices[] = {&rts_object_load_eh_cfi(object)->index,
                                             &rts_object_load_debug_cfi(object)->index};
    bool in_fde = false;
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        if (rts_fde_index_splits(indices[i], start, vaddr))
            return false;
        in_fde |= rts_fde_index_find(indices[i], start) != NULL;
    }
    return in_fde || has_all_symbols(object);
}
