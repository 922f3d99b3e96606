/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/plt_bindings.h"

#include <stdlib.h>
#include <string.h>

#include "binary/section_data.h"
#include "util/memory.h"

/* Relocations of one section; a browser has some million, nearly all without a symbol. */
#define RELOCATIONS_SIZE_MAX (256u << 20)
/* Sections of them in one file: linkers make two. */
#define RELOCATION_SECTIONS_MAX 16

#if defined(__x86_64__)
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#define GLOB_DAT  R_X86_64_GLOB_DAT
#define IRELATIVE R_X86_64_IRELATIVE
#else
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#define GLOB_DAT  R_AARCH64_GLOB_DAT
#define IRELATIVE R_AARCH64_IRELATIVE
#endif

static void add_section(struct rts_plt_bindings *bindings, const struct rts_elf_image *image,
                        const struct rts_section *section)
{
    size_t size;
    Elf64_Rela *relocations = rts_section_data_load(
        image, section, rts_elf_image_limit(image, RELOCATIONS_SIZE_MAX), &size);
    if (!relocations)
        return;
    size_t count = size / sizeof *relocations;
    bool is_plt = strcmp(section->name, ".rela.plt") == 0;
    for (size_t i = 0; i < count && bindings->count < RTS_PLT_BINDINGS_MAX; i++) {
        uint64_t type = ELF64_R_TYPE(relocations[i].r_info);
        if (type != JUMP_SLOT && type != GLOB_DAT && type != IRELATIVE)
            continue;
        bindings->items = rts_grow(bindings->items, bindings->count, &bindings->capacity,
                                   sizeof *bindings->items);
        bindings->items[bindings->count++] = (struct rts_plt_binding){
            .word = relocations[i].r_offset,
            .symbol = type == IRELATIVE ? 0 : ELF64_R_SYM(relocations[i].r_info),
            .resolver = type == IRELATIVE ? (uint64_t)relocations[i].r_addend : 0,
            .index = is_plt ? i : UINT64_MAX,
        };
    }
    free(relocations);
}

static int compare(const void *left, const void *right)
{
    const struct rts_plt_binding *a = left, *b = right;
    if (a->word != b->word)
        return a->word < b->word ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void index_entries(struct rts_plt_bindings *bindings)
{
    size_t count = 0;
    for (size_t i = 0; i < bindings->count; i++)
        if (bindings->items[i].index < RTS_PLT_BINDINGS_MAX && bindings->items[i].index >= count)
            count = (size_t)bindings->items[i].index + 1;
    bindings->by_index = rts_calloc(count ? count : 1, sizeof *bindings->by_index);
    bindings->index_count = count;
    for (size_t i = 0; i < bindings->count; i++)
        if (bindings->items[i].index < count)
            bindings->by_index[bindings->items[i].index] = (uint32_t)i + 1;
}

void rts_plt_bindings_init(struct rts_plt_bindings *bindings, const struct rts_elf_image *image)
{
    *bindings = (struct rts_plt_bindings){0};
    size_t sections = 0;
    for (size_t i = 0; i < image->section_count && sections < RELOCATION_SECTIONS_MAX; i++) {
        const Elf64_Shdr *header = &image->sections[i].header;
        if (header->sh_type != SHT_RELA || !(header->sh_flags & SHF_ALLOC) ||
            header->sh_entsize != sizeof(Elf64_Rela))
            continue;
        add_section(bindings, image, &image->sections[i]);
        sections++;
    }
    if (bindings->count > 0)
        qsort(bindings->items, bindings->count, sizeof *bindings->items, compare);
    index_entries(bindings);
}

void rts_plt_bindings_finish(struct rts_plt_bindings *bindings)
{
    free(bindings->items);
    free(bindings->by_index);
    *bindings = (struct rts_plt_bindings){0};
}

const struct rts_plt_binding *rts_plt_bindings_of_word(const struct rts_plt_bindings *bindings,
                                                       uint64_t word)
{
    size_t low = 0, high = bindings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bindings->items[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == bindings->count || bindings->items[low].word != word)
        return NULL;
    return &bindings->items[low];
}

const struct rts_plt_binding *rts_plt_bindings_of_index(const struct rts_plt_bindings *bindings,
                                                        uint64_t index)
{
    if (index >= bindings->index_count || bindings->by_index[index] == 0)
        return NULL;
    return &bindings->items[bindings->by_index[index] - 1];
}
