/* SPDX-License-Identifier: Apache-2.0 */
/* The questions one can ask the headers of an image: all declared in elf_image.h. */
#include <string.h>

#include "binary/elf_image.h"

const Elf64_Phdr *rts_elf_image_segment_at(const struct rts_elf_image *image, uint64_t vaddr,
                                           uint32_t flags)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags &&
            vaddr >= segment->p_vaddr && vaddr - segment->p_vaddr < segment->p_memsz)
            return segment;
    }
    return NULL;
}

const Elf64_Phdr *rts_elf_image_segment_of_type(const struct rts_elf_image *image, uint32_t type)
{
    for (size_t i = 0; i < image->segment_count; i++)
        if (image->segments[i].p_type == type)
            return &image->segments[i];
    return NULL;
}

bool rts_elf_image_offset_of(const struct rts_elf_image *image, uint64_t vaddr, uint64_t *offset,
                             uint64_t *available)
{
    const Elf64_Phdr *segment = rts_elf_image_segment_at(image, vaddr, 0);
    if (!segment || vaddr - segment->p_vaddr >= segment->p_filesz)
        return false;
    *offset = segment->p_offset + (vaddr - segment->p_vaddr);
    *available = segment->p_filesz - (vaddr - segment->p_vaddr);
    return true;
}

const struct rts_section *rts_elf_image_section(const struct rts_elf_image *image, const char *name)
{
    for (size_t i = 0; i < image->section_count; i++)
        if (image->sections[i].header.sh_type != SHT_NOBITS &&
            strcmp(image->sections[i].name, name) == 0)
            return &image->sections[i];
    return NULL;
}

const struct rts_section *rts_elf_image_section_of_type(const struct rts_elf_image *image,
                                                        uint32_t type)
{
    for (size_t i = 0; i < image->section_count; i++)
        if (image->sections[i].header.sh_type == type)
            return &image->sections[i];
    return NULL;
}

const struct rts_section *rts_elf_image_section_at(const struct rts_elf_image *image,
                                                   uint64_t vaddr)
{
    size_t low = 0, high = image->by_address_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->sections[image->by_address[middle]].header.sh_addr <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct rts_section *section = &image->sections[image->by_address[low - 1]];
    return vaddr - section->header.sh_addr < section->header.sh_size ? section : NULL;
}

bool rts_elf_image_is_code(const struct rts_elf_image *image, uint64_t vaddr)
{
    if (image->by_address_count == 0)
        return rts_elf_image_segment_at(image, vaddr, PF_X) != NULL;
    const struct rts_section *section = rts_elf_image_section_at(image, vaddr);
    return section && (section->header.sh_flags & SHF_EXECINSTR);
}
