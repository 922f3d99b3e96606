/* SPDX-License-Identifier: Apache-2.0 */
/* A raw ELF symbol table with its strings, read into memory. */
#ifndef RTS_BINARY_ELF_SYMBOLS_H
#define RTS_BINARY_ELF_SYMBOLS_H

#include "binary/elf_image.h"

/* Symbols of one table: the largest programs have some million. */
#define RTS_ELF_SYMBOLS_MAX (8u << 20)
/* Bytes of its names; a browser with all its symbols has some 400 MiB. */
#define RTS_ELF_STRINGS_MAX (512u << 20)

struct rts_elf_symbols {
    Elf64_Sym *symbols;
    size_t count;
    char *strings; /* with a NUL byte behind */
    uint64_t strings_size;
};

/* Loads .symtab (SHT_SYMTAB) or the dynamic symbols (SHT_DYNSYM): through its section header, else,
 * for the dynamic ones, through PT_DYNAMIC. False when there is none that can be read. */
bool rts_elf_symbols_load(struct rts_elf_symbols *table, const struct rts_elf_image *image,
                          uint32_t type);
void rts_elf_symbols_unload(struct rts_elf_symbols *table);

/* The name of a symbol; "" where its offset lies outside. */
const char *rts_elf_symbols_name(const struct rts_elf_symbols *table, const Elf64_Sym *symbol);

#endif
