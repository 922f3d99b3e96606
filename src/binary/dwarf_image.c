/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/section_data.h"

static const char names[RTS_DWARF_SECTIONS][RTS_DWARF_NAME_SIZE] = {
    [RTS_DWARF_INFO] = ".debug_info",
    [RTS_DWARF_ABBREV] = ".debug_abbrev",
    [RTS_DWARF_STR] = ".debug_str",
    [RTS_DWARF_LINE_STR] = ".debug_line_str",
    [RTS_DWARF_STR_OFFSETS] = ".debug_str_offsets",
    [RTS_DWARF_ADDR] = ".debug_addr",
    [RTS_DWARF_RANGES] = ".debug_ranges",
    [RTS_DWARF_RNGLISTS] = ".debug_rnglists",
    [RTS_DWARF_TYPES] = ".debug_types",
    [RTS_DWARF_ARANGES] = ".debug_aranges",
    [RTS_DWARF_NAMES] = ".shstrtab",
};

/* libdw makes some four times as much of .debug_aranges when it reads it; we can do without. */
#define ARANGES_SIZE_MAX (16u << 20)

/* The highest version that libdw and the readers here know. */
#define VERSION_MAX 5

const char *rts_dwarf_section_name(enum rts_dwarf_section section)
{
    return names[section];
}

void rts_dwarf_image_head_init(struct rts_dwarf_image_head *head)
{
    *head = (struct rts_dwarf_image_head){
        .header = {.e_type = ET_DYN,
                   .e_machine = RTS_NATIVE_MACHINE,
                   .e_version = EV_CURRENT,
                   .e_shoff = offsetof(struct rts_dwarf_image_head, sections),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = RTS_DWARF_SECTIONS,
                   .e_shstrndx = RTS_DWARF_NAMES},
    };
    memcpy(head->header.e_ident, ELFMAG, SELFMAG);
    head->header.e_ident[EI_CLASS] = ELFCLASS64;
    head->header.e_ident[EI_DATA] =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    head->header.e_ident[EI_VERSION] = EV_CURRENT;
    memcpy(head->names, names, sizeof names);
    for (size_t i = 1; i < RTS_DWARF_SECTIONS; i++)
        head->sections[i].sh_name = (uint32_t)(i * RTS_DWARF_NAME_SIZE);
    head->sections[RTS_DWARF_NAMES].sh_type = SHT_STRTAB;
    head->sections[RTS_DWARF_NAMES].sh_offset = offsetof(struct rts_dwarf_image_head, names);
    head->sections[RTS_DWARF_NAMES].sh_size = sizeof names;
    head->sections[RTS_DWARF_NAMES].sh_addralign = 1;
}

void rts_dwarf_image_place(struct rts_dwarf_image_head *head, enum rts_dwarf_section section,
                           uint64_t offset, uint64_t size)
{
    Elf64_Shdr *header = &head->sections[section];
    header->sh_type = size ? SHT_PROGBITS : SHT_NULL;
    header->sh_offset = offset;
    header->sh_size = size;
    header->sh_addralign = 1;
}

/* Gives each section that is there its place; returns the size of the image, 0 when it is too
 * large or has nothing to say. */
static uint64_t place_all(struct rts_dwarf_image_head *head, const struct rts_elf_image *image,
                          const struct rts_section *sources[RTS_DWARF_SECTIONS],
                          struct rts_unread *unread)
{
    const uint64_t limit = rts_elf_image_limit(image, RTS_DWARF_SIZE_MAX);
    uint64_t at = sizeof *head + RTS_DWARF_PADDING, total = 0;
    for (enum rts_dwarf_section i = RTS_DWARF_INFO; i < RTS_DWARF_NAMES; i++) {
        sources[i] = rts_section_data_find_debug(image, names[i]);
        uint64_t size = sources[i] ? rts_section_data_size(image, sources[i]) : 0;
        if (sources[i] && size == 0)
            rts_unread_section(unread, image, sources[i]);
        if (i == RTS_DWARF_ARANGES && size > ARANGES_SIZE_MAX)
            size = 0;
        rts_dwarf_image_place(head, i, at, size);
        if (size > limit || (total += size) > limit) {
            rts_unread_say(unread, RTS_UNREAD_TOO_LARGE, names[i]);
            return 0;
        }
        at = (at + size + 2 * RTS_DWARF_PADDING - 1) & ~(uint64_t)(RTS_DWARF_PADDING - 1);
    }
    return head->sections[RTS_DWARF_INFO].sh_size ? at : 0;
}

/* Of the first unit: those of one file are mostly of one version. */
static void check_version(const uint8_t *info, uint64_t size, struct rts_unread *unread)
{
    uint32_t length;
    uint16_t version;
    if (size < sizeof length + 8 + sizeof version)
        return;
    memcpy(&length, info, sizeof length);
    memcpy(&version, info + (length == UINT32_MAX ? sizeof length + 8 : sizeof length),
           sizeof version);
    if (version > VERSION_MAX) {
        char number[8];
        snprintf(number, sizeof number, "%u", version);
        rts_unread_say(unread, RTS_UNREAD_VERSION, number);
    }
}

uint8_t *rts_dwarf_image_create(const struct rts_elf_image *image, size_t *size,
                                struct rts_unread *unread)
{
    struct rts_dwarf_image_head head;
    const struct rts_section *sources[RTS_DWARF_SECTIONS] = {0};
    rts_dwarf_image_head_init(&head);
    *size = (size_t)place_all(&head, image, sources, unread);
    uint8_t *bytes = *size ? calloc(1, *size) : NULL;
    if (!bytes)
        return NULL;
    for (size_t i = RTS_DWARF_INFO; i < RTS_DWARF_NAMES; i++) {
        Elf64_Shdr *section = &head.sections[i];
        if (section->sh_size > 0 &&
            !rts_section_data_read(image, sources[i], bytes + section->sh_offset,
                                   (size_t)section->sh_size)) {
            rts_unread_say(unread, RTS_UNREAD_DAMAGED, sources[i]->name);
            free(bytes);
            return NULL;
        }
    }
    memcpy(bytes, &head, sizeof head);
    check_version(bytes + head.sections[RTS_DWARF_INFO].sh_offset,
                  head.sections[RTS_DWARF_INFO].sh_size, unread);
    return bytes;
}

const uint8_t *rts_dwarf_image_section(const uint8_t *bytes, enum rts_dwarf_section section,
                                       uint64_t *size)
{
    const struct rts_dwarf_image_head *head = (const void *)bytes;
    *size = head->sections[section].sh_size;
    return *size ? bytes + head->sections[section].sh_offset : NULL;
}
