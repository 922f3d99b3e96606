/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbol versions that a file defines (.gnu.version_d), and where they end up in names.
 *
 * In .symtab a version follows the name behind one @ or two. But an @ may be part of a name, as
 * Crystal has it in nearly all; then linkers that export the symbol take what follows for a
 * version, cut the name in .dynsym there, and define a version of that text. So what counts as a
 * version has to look like one, which such a text never does: it has a colon.
 */
#ifndef RTS_BINARY_ELF_VERSIONS_H
#define RTS_BINARY_ELF_VERSIONS_H

#include "binary/elf_image.h"

/* Their numbers have 15 bits. */
#define RTS_ELF_VERSIONS_MAX 0x8000

struct rts_elf_versions {
    char *strings;       /* with a NUL byte behind */
    const char **names;  /* by number, in `strings`; NULL: there is none of that number */
    const char **sorted; /* those that look like versions */
    size_t count, sorted_count;
    uint16_t *of_symbols; /* the number of each dynamic symbol, with the hidden bit */
    size_t symbol_count;
};

/* Fills *versions; it stays empty where the file defines none, or has no section headers. */
void rts_elf_versions_load(struct rts_elf_versions *versions, const struct rts_elf_image *image);
void rts_elf_versions_unload(struct rts_elf_versions *versions);

/* Bytes of a name of `length` bytes before its version: all of them unless it ends with @VERSION,
 * which the file defines, or with @@VERSION. A leading @ is part of the name. `versions` may be
 * NULL: none is defined. */
size_t rts_elf_versions_bare_length(const struct rts_elf_versions *versions, const char *name,
                                    size_t length);

/* What a linker took for the version of the dynamic symbol of this index although it is part of the
 * name: the text behind the @, or NULL. */
const char *rts_elf_versions_cut_off(const struct rts_elf_versions *versions, size_t symbol);

#endif
