/* SPDX-License-Identifier: Apache-2.0 */
/* What the dynamic segment says where section headers are gone. */
#ifndef RTS_BINARY_ELF_DYNAMIC_H
#define RTS_BINARY_ELF_DYNAMIC_H

#include "binary/elf_image.h"

/* Where in the file a symbol table and its strings lie. */
struct rts_symbols_place {
    uint64_t symbols;
    uint64_t count;
    uint64_t strings;
    uint64_t strings_size;
};

/* Locates the dynamic symbols through PT_DYNAMIC. Their number is nowhere said: it follows from
 * DT_HASH, else from DT_GNU_HASH (whose table leaves out undefined symbols at the start only). */
bool rts_elf_dynamic_symbols(const struct rts_elf_image *image, struct rts_symbols_place *place);

/* Whether a file that can be moved is marked as a program (DF_1_PIE), not a library. */
bool rts_elf_dynamic_is_program(const struct rts_elf_image *image);

#endif
