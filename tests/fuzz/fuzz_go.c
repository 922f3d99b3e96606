/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of functions of Go of any content, in a program around it that is as it should be: with
 * section headers (the first byte of the input is even), or without, where the table and the record
 * that proves it have to be found in the data. tests/fuzz/run builds it with libFuzzer and runs it;
 * tests/fuzz/seeds.py makes what it begins with.
 */
#include <string.h>

#include "binary/go_frames.h"
#include "binary/go_functions.h"
#include "binary/go_table.h"
#include "fuzz_main.h"

/* As in seeds.py. */
#define BASE      0x400000
#define TEXT      0x1000
#define TEXT_SIZE 0x1000
#define DATA      0x2000
#define INPUT_MAX 0x4000
#define FUNCTIONS 64
#define SECTIONS  4

static const char section_names[] = "\0.text\0.gopclntab\0.shstrtab";

struct program {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Shdr sections[SECTIONS];
    char names[sizeof section_names];
};

static uint8_t *make_program(const uint8_t *data, size_t size, bool sections)
{
    struct program program = {
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
                .e_entry = BASE + TEXT,
                .e_phoff = offsetof(struct program, segments),
                .e_shoff = sections ? offsetof(struct program, sections) : 0,
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 2,
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = sections ? SECTIONS : 0,
                .e_shstrndx = sections ? SECTIONS - 1 : 0,
            },
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_offset = TEXT,
                      .p_vaddr = BASE + TEXT,
                      .p_filesz = TEXT_SIZE,
                      .p_memsz = TEXT_SIZE},
                     {.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_W,
                      .p_offset = DATA,
                      .p_vaddr = BASE + DATA,
                      .p_filesz = size,
                      .p_memsz = size}},
        .sections = {{0},
                     {.sh_name = 1,
                      .sh_type = SHT_PROGBITS,
                      .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                      .sh_addr = BASE + TEXT,
                      .sh_offset = TEXT,
                      .sh_size = TEXT_SIZE},
                     {.sh_name = 7,
                      .sh_type = SHT_PROGBITS,
                      .sh_flags = SHF_ALLOC,
                      .sh_addr = BASE + DATA,
                      .sh_offset = DATA,
                      .sh_size = size},
                     {.sh_name = 18,
                      .sh_type = SHT_STRTAB,
                      .sh_offset = offsetof(struct program, names),
                      .sh_size = sizeof section_names}},
    };
    memcpy(program.names, section_names, sizeof section_names);
    uint8_t *bytes = calloc(1, DATA + size);
    if (!bytes)
        abort();
    memcpy(bytes, &program, sizeof program);
    memcpy(bytes + DATA, data, size);
    return bytes;
}

static void ask(const struct rts_go_table *table)
{
    volatile size_t used = rts_go_table_bytes(table);
    (void)used;
    for (size_t i = 0; i < table->count && i < FUNCTIONS; i++) {
        struct rts_go_description description;
        const struct rts_go_entry *entry = &table->entries[i];
        uint64_t size = entry[1].start - entry->start;
        const uint64_t asked[] = {entry->start, entry->start + size / 2, entry->start + size - 1};
        if (rts_go_table_describe(table, i, &description) && description.name >= table->names_size)
            abort();
        for (size_t k = 0; k < 3; k++) {
            uint32_t frame = 0;
            size_t found;
            if (rts_go_table_find(table, asked[k], &found) &&
                (asked[k] < table->entries[found].start ||
                 asked[k] >= table->entries[found + 1].start))
                abort();
            used += (size_t)rts_go_frames_at(table, asked[k], &frame) + frame;
        }
    }
    struct rts_symbols symbols = {0};
    rts_symbols_allow_names(&symbols, 1 << 20);
    rts_go_functions_add(&symbols, table);
    rts_symbols_seal(&symbols);
    used += rts_symbols_bytes(&symbols);
    rts_symbols_finish(&symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rts_elf_image image;
    struct rts_go_table table;
    if (size < 2 || size > INPUT_MAX)
        return 0;
    uint8_t *bytes = make_program(data + 1, size - 1, data[0] % 2 == 0);
    if (rts_elf_image_from_bytes(&image, bytes, DATA + size - 1, NULL) < 0)
        abort();
    if (rts_go_table_init(&table, &image)) {
        ask(&table);
        rts_go_table_finish(&table);
    }
    rts_elf_image_finish(&image);
    return 0;
}
