/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file around sections, for fuzz targets whose input is what stands in them. */
#ifndef RTS_TESTS_FUZZ_ELF_H
#define RTS_TESTS_FUZZ_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "binary/elf_image.h"

#define FUZZ_SECTIONS_MAX 48

/* Where the first section lies: as in seeds.py. The whole file is mapped from FUZZ_ELF_BASE on. */
#define FUZZ_ELF_BASE    0x400000
#define FUZZ_ELF_CONTENT 0x2000

struct fuzz_section {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};

struct fuzz_sections {
    struct fuzz_section items[FUZZ_SECTIONS_MAX];
    size_t count;
};

struct fuzz_elf_head {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Shdr sections[FUZZ_SECTIONS_MAX + 2];
    char names[2048];
};

static void fuzz_sections_add(struct fuzz_sections *sections, const char *name,
                              const uint8_t *bytes, size_t size)
{
    if (sections->count < FUZZ_SECTIONS_MAX)
        sections->items[sections->count++] = (struct fuzz_section){name, bytes, size};
}

static void fuzz_elf_head_init(struct fuzz_elf_head *head, size_t sections, size_t size)
{
    *head = (struct fuzz_elf_head){
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                            ELFDATA2LSB,
#else
                            ELFDATA2MSB,
#endif
                            EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = RTS_NATIVE_MACHINE,
                .e_version = EV_CURRENT,
                .e_phoff = offsetof(struct fuzz_elf_head, segment),
                .e_shoff = offsetof(struct fuzz_elf_head, sections),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 1,
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = (uint16_t)(sections + 2),
                .e_shstrndx = (uint16_t)(sections + 1),
            },
        .segment = {.p_type = PT_LOAD,
                    .p_flags = PF_R,
                    .p_vaddr = FUZZ_ELF_BASE,
                    .p_filesz = size,
                    .p_memsz = size},
    };
}

/* The file, from malloc(); its size goes to *size. */
static uint8_t *fuzz_elf_make(const struct fuzz_sections *sections, size_t *size)
{
    _Static_assert(sizeof(struct fuzz_elf_head) <= FUZZ_ELF_CONTENT, "headers come first");
    struct fuzz_elf_head head;
    size_t at = FUZZ_ELF_CONTENT, name = 1;
    *size = at;
    for (size_t i = 0; i < sections->count; i++)
        *size += (sections->items[i].size + 7) & ~(size_t)7;
    fuzz_elf_head_init(&head, sections->count, *size);
    uint8_t *bytes = calloc(1, *size);
    if (!bytes)
        abort();
    for (size_t i = 0; i <= sections->count; i++) {
        static const struct fuzz_section names = {".shstrtab", NULL, 0};
        const struct fuzz_section *section = i < sections->count ? &sections->items[i] : &names;
        Elf64_Shdr *header = &head.sections[i + 1];
        size_t length = strlen(section->name) + 1;
        if (name + length > sizeof head.names)
            abort();
        memcpy(head.names + name, section->name, length);
        *header = (Elf64_Shdr){
            .sh_name = (uint32_t)name,
            .sh_type = strncmp(section->name, ".note", 5) == 0 ? SHT_NOTE : SHT_PROGBITS,
            .sh_addr = FUZZ_ELF_BASE + at,
            .sh_offset = at,
            .sh_size = section->size,
            .sh_addralign = 1,
        };
        if (section->size > 0)
            memcpy(bytes + at, section->bytes, section->size);
        at += (section->size + 7) & ~(size_t)7;
        name += length;
    }
    head.sections[sections->count + 1].sh_type = SHT_STRTAB;
    head.sections[sections->count + 1].sh_offset = offsetof(struct fuzz_elf_head, names);
    head.sections[sections->count + 1].sh_size = sizeof head.names;
    memcpy(bytes, &head, sizeof head);
    return bytes;
}

#endif
