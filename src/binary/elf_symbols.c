/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/elf_symbols.h"

#include <stdlib.h>
#include <string.h>

#include "binary/elf_dynamic.h"

static bool load(struct rts_elf_symbols *table, const struct rts_elf_image *image,
                 const struct rts_symbols_place *place)
{
    uint64_t most = (uint64_t)RTS_ELF_SYMBOLS_MAX * sizeof(Elf64_Sym);
    if (image->foreign) /* they take twice as much again, sorted */
        most = rts_elf_image_limit(image, most) / 2;
    if (place->count == 0 || place->count > most / sizeof(Elf64_Sym))
        return false;
    table->symbols =
        rts_elf_image_load(image, place->symbols, place->count * sizeof(Elf64_Sym), UINT64_MAX);
    table->strings = rts_elf_image_load(image, place->strings, place->strings_size,
                                        rts_elf_image_limit(image, RTS_ELF_STRINGS_MAX));
    table->count = (size_t)place->count;
    table->strings_size = place->strings_size;
    return table->symbols && table->strings;
}

static bool place_by_section(const struct rts_elf_image *image, uint32_t type,
                             struct rts_symbols_place *place)
{
    const struct rts_section *section = rts_elf_image_section_of_type(image, type);
    if (!section || section->header.sh_entsize != sizeof(Elf64_Sym) ||
        section->header.sh_link >= image->section_count)
        return false;
    const Elf64_Shdr *strings = &image->sections[section->header.sh_link].header;
    *place = (struct rts_symbols_place){
        .symbols = section->header.sh_offset,
        .count = section->header.sh_size / sizeof(Elf64_Sym),
        .strings = strings->sh_offset,
        .strings_size = strings->sh_size,
    };
    return strings->sh_type == SHT_STRTAB;
}

bool rts_elf_symbols_load(struct rts_elf_symbols *table, const struct rts_elf_image *image,
                          uint32_t type)
{
    *table = (struct rts_elf_symbols){0};
    struct rts_symbols_place place;
    if (place_by_section(image, type, &place) && load(table, image, &place))
        return true;
    rts_elf_symbols_unload(table);
    if (type == SHT_DYNSYM && rts_elf_dynamic_symbols(image, &place) && load(table, image, &place))
        return true;
    rts_elf_symbols_unload(table);
    return false;
}

void rts_elf_symbols_unload(struct rts_elf_symbols *table)
{
    free(table->symbols);
    free(table->strings);
    *table = (struct rts_elf_symbols){0};
}

const char *rts_elf_symbols_name(const struct rts_elf_symbols *table, const Elf64_Sym *symbol)
{
    return symbol->st_name < table->strings_size ? table->strings + symbol->st_name : "";
}
