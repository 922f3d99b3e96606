/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_image.h"

#include <stdlib.h>
#include <string.h>

#include "binary/section_data.h"

/* Zero bytes behind each section: more than libdw reads at once. */
#define PADDING 16

#define NAME_SIZE 24

static const char names[][NAME_SIZE] = {
    "", /* section 0 is no section */
    ".debug_info",
    ".debug_abbrev",
    ".debug_str",
    ".debug_line_str",
    ".debug_str_offsets",
    ".debug_addr",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_types",
    ".debug_aranges",
    ".shstrtab",
};

#define SECTIONS (sizeof names / sizeof *names)
#define INFO     1
#define ARANGES  (SECTIONS - 2)
#define STRINGS  (SECTIONS - 1)

/* libdw makes some four times as much of .debug_aranges when it reads it; we can do without. */
#define ARANGES_SIZE_MAX (16u << 20)

struct image_head {
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTIONS];
    char names[SECTIONS][NAME_SIZE];
};

static void fill_header(struct image_head *head)
{
    *head = (struct image_head){
        .header = {.e_type = ET_DYN,
                   .e_machine = RTS_NATIVE_MACHINE,
                   .e_version = EV_CURRENT,
                   .e_shoff = offsetof(struct image_head, sections),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = SECTIONS,
                   .e_shstrndx = STRINGS},
    };
    memcpy(head->header.e_ident, ELFMAG, SELFMAG);
    head->header.e_ident[EI_CLASS] = ELFCLASS64;
    head->header.e_ident[EI_DATA] =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    head->header.e_ident[EI_VERSION] = EV_CURRENT;
    memcpy(head->names, names, sizeof names);
    head->sections[STRINGS] = (Elf64_Shdr){
        .sh_type = SHT_STRTAB,
        .sh_offset = offsetof(struct image_head, names),
        .sh_size = sizeof names,
        .sh_addralign = 1,
    };
    for (size_t i = 1; i < SECTIONS; i++)
        head->sections[i].sh_name = (uint32_t)(i * NAME_SIZE);
}

/* Gives each section that is there its place; returns the size of the image, 0 when it is too
 * large or has nothing to say. */
static uint64_t place(struct image_head *head, const struct rts_elf_image *image,
                      const struct rts_section *sources[SECTIONS])
{
    uint64_t at = sizeof *head + PADDING, total = 0;
    for (size_t i = INFO; i < STRINGS; i++) {
        sources[i] = rts_elf_image_section(image, names[i]);
        uint64_t size = sources[i] ? rts_section_data_size(image, sources[i]) : 0;
        if (i == ARANGES && size > ARANGES_SIZE_MAX)
            size = 0;
        head->sections[i].sh_type = size ? SHT_PROGBITS : SHT_NULL;
        head->sections[i].sh_offset = at;
        head->sections[i].sh_size = size;
        head->sections[i].sh_addralign = 1;
        if (size > RTS_DWARF_SIZE_MAX || (total += size) > RTS_DWARF_SIZE_MAX)
            return 0;
        at = (at + size + 2 * PADDING - 1) & ~(uint64_t)(PADDING - 1);
    }
    return head->sections[INFO].sh_size ? at : 0;
}

uint8_t *rts_dwarf_image_create(const struct rts_elf_image *image, size_t *size)
{
    struct image_head head;
    const struct rts_section *sources[SECTIONS] = {0};
    fill_header(&head);
    *size = (size_t)place(&head, image, sources);
    uint8_t *bytes = *size ? calloc(1, *size) : NULL;
    if (!bytes)
        return NULL;
    for (size_t i = INFO; i < STRINGS; i++) {
        Elf64_Shdr *section = &head.sections[i];
        if (section->sh_size > 0 &&
            !rts_section_data_read(image, sources[i], bytes + section->sh_offset,
                                   (size_t)section->sh_size)) {
            free(bytes);
            return NULL;
        }
    }
    memcpy(bytes, &head, sizeof head);
    return bytes;
}
