/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF files made in memory, byte by byte, for what no compiler would emit. One page:
 *
 *     0x000 header, three program headers (PT_LOAD r-x of everything, PT_NOTE, PT_GNU_STACK)
 *     0x180 .note   0x200 .text (0x400 bytes)   0x600 symbols   0xa00 strings   0xe00 headers
 *
 * Addresses are MAKER_BASE + offset. Fields may be changed between maker_init() and use.
 */
#ifndef RTS_TESTS_ELF_MAKER_H
#define RTS_TESTS_ELF_MAKER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "binary/elf_image.h"

#define MAKER_BASE      0x400000
#define MAKER_NOTE      0x180
#define MAKER_TEXT      0x200
#define MAKER_TEXT_SIZE 0x400
#define MAKER_SYMBOLS   0x600
#define MAKER_STRINGS   0xa00
#define MAKER_SECTIONS  0xe00
#define MAKER_SIZE      0x1000

enum {
    MAKER_SECTION_NONE,
    MAKER_SECTION_TEXT,
    MAKER_SECTION_NOTE,
    MAKER_SECTION_SYMBOLS,
    MAKER_SECTION_STRINGS,
    MAKER_SECTION_COUNT
};

struct maker {
    uint8_t bytes[MAKER_SIZE] __attribute__((aligned(16)));
    Elf64_Ehdr *header;
    Elf64_Phdr *segments;
    Elf64_Shdr *sections;
    uint32_t symbol_count;
    uint32_t strings_size;
};

/* Adds a string to the one string table there is. */
static inline uint32_t maker_string(struct maker *maker, const char *text)
{
    uint32_t at = maker->strings_size;
    memcpy(maker->bytes + MAKER_STRINGS + at, text, strlen(text) + 1);
    maker->strings_size += (uint32_t)strlen(text) + 1;
    maker->sections[MAKER_SECTION_STRINGS].sh_size = maker->strings_size;
    return at;
}

static inline void maker_section(struct maker *maker, size_t index, const char *name,
                                 Elf64_Shdr header)
{
    header.sh_name = maker_string(maker, name);
    maker->sections[index] = header;
}

static inline void maker_init(struct maker *maker)
{
    memset(maker, 0, sizeof *maker);
    maker->header = (Elf64_Ehdr *)(void *)maker->bytes;
    maker->segments = (Elf64_Phdr *)(void *)(maker->bytes + sizeof(Elf64_Ehdr));
    maker->sections = (Elf64_Shdr *)(void *)(maker->bytes + MAKER_SECTIONS);
    *maker->header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = RTS_NATIVE_MACHINE,
        .e_version = EV_CURRENT,
        .e_entry = MAKER_BASE + MAKER_TEXT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_shoff = MAKER_SECTIONS,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = MAKER_SECTION_COUNT,
        .e_shstrndx = MAKER_SECTION_STRINGS,
    };
    maker->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                      .p_flags = PF_R | PF_X,
                                      .p_vaddr = MAKER_BASE,
                                      .p_filesz = MAKER_SIZE,
                                      .p_memsz = MAKER_SIZE,
                                      .p_align = 0x1000};
    maker->segments[1] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = MAKER_NOTE, .p_align = 4};
    maker->segments[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK};
    maker_string(maker, "");
    maker_section(maker, MAKER_SECTION_TEXT, ".text",
                  (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                               .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                               .sh_addr = MAKER_BASE + MAKER_TEXT,
                               .sh_offset = MAKER_TEXT,
                               .sh_size = MAKER_TEXT_SIZE});
    maker_section(maker, MAKER_SECTION_NOTE, ".note",
                  (Elf64_Shdr){.sh_type = SHT_NOTE, .sh_offset = MAKER_NOTE});
    maker_section(maker, MAKER_SECTION_SYMBOLS, ".symtab",
                  (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                               .sh_offset = MAKER_SYMBOLS,
                               .sh_size = sizeof(Elf64_Sym),
                               .sh_link = MAKER_SECTION_STRINGS,
                               .sh_entsize = sizeof(Elf64_Sym)});
    uint32_t size = maker->strings_size;
    maker_section(maker, MAKER_SECTION_STRINGS, ".strtab",
                  (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = MAKER_STRINGS, .sh_size = size});
    maker->sections[MAKER_SECTION_STRINGS].sh_size = maker->strings_size;
    maker->symbol_count = 1;
}

/* Adds a symbol of the code; `start` is an offset into .text. */
static inline Elf64_Sym *maker_symbol(struct maker *maker, const char *name, unsigned char bind,
                                      unsigned char type, uint64_t start, uint64_t size)
{
    Elf64_Sym *symbol = (Elf64_Sym *)(void *)(maker->bytes + MAKER_SYMBOLS) + maker->symbol_count++;
    *symbol = (Elf64_Sym){
        .st_name = maker_string(maker, name),
        .st_info = (unsigned char)ELF64_ST_INFO(bind, type),
        .st_shndx = MAKER_SECTION_TEXT,
        .st_value = MAKER_BASE + MAKER_TEXT + start,
        .st_size = size,
    };
    maker->sections[MAKER_SECTION_SYMBOLS].sh_size = maker->symbol_count * sizeof(Elf64_Sym);
    return symbol;
}

/* Appends a note at `at` of the file, its parts padded to `alignment`; returns where it ends. */
static inline size_t maker_note(struct maker *maker, size_t at, size_t alignment, uint32_t type,
                                const char *name, const void *content, uint32_t size)
{
    Elf64_Nhdr note = {(uint32_t)strlen(name) + 1, size, type};
    memcpy(maker->bytes + at, &note, sizeof note);
    memcpy(maker->bytes + at + sizeof note, name, note.n_namesz);
    size_t content_at = (at + sizeof note + note.n_namesz + alignment - 1) & ~(alignment - 1);
    memcpy(maker->bytes + content_at, content, size);
    return (content_at + size + alignment - 1) & ~(alignment - 1);
}

#endif
