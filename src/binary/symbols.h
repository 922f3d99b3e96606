/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function symbols of an object: one table sorted by address, filled from several symbol tables
 * and then sealed. Sizes are as in the file, or 0. Some 32 bytes per symbol beside its name.
 */
#ifndef RTS_BINARY_SYMBOLS_H
#define RTS_BINARY_SYMBOLS_H

#include "binary/elf_image.h"
#include "util/table.h"

/* Symbols kept of all tables of one object: the largest programs have some million. */
#define RTS_SYMBOLS_MAX (8u << 20)
/* Bytes of names kept for one object; offsets into them are 32 bits. */
#define RTS_SYMBOL_NAMES_MAX (1u << 30)
/* Mangled names of heavy templates reach some KiB; longer ones are left out. */
#define RTS_SYMBOL_NAME_MAX 16384
/* Other names of one address: a folded empty function can have thousands. */
#define RTS_ALIASES_MAX 64
/* Overlapping symbols looked through for one address. */
#define RTS_OVERLAP_MAX 4096

/* The preference of an entry that is not a function: something else begins there. */
#define RTS_SYMBOL_MARK UINT8_MAX

struct rts_symbol_entry {
    uint64_t start;
    uint64_t reach; /* the furthest end of this and all earlier entries */
    uint64_t size;
    uint32_t name;      /* offset in `names` */
    uint8_t preference; /* lower is chosen first among names of one address: type and binding,
                           of which the latter is enum rts_linkage in the lowest two bits */
    uint8_t source;     /* enum rts_symbol_source */
};

struct rts_symbols {
    struct rts_symbol_entry *entries;
    size_t count;
    size_t capacity;
    char *names;
    size_t names_size;
    size_t names_capacity;
    uint64_t names_limit;     /* never less than names_size */
    size_t bytes_max;         /* of entries and names; 0: no limit */
    bool has_all;             /* the static functions too: a .symtab, of which nothing was taken */
    bool left_out;            /* there was no room for some */
    struct rts_table aliases; /* of those asked for so far */
};

/* Adds the function symbols of one image's .symtab or .dynsym (`type`: SHT_SYMTAB or SHT_DYNSYM)
 * whose addresses are code in `mapped`, the image that is mapped, and where anything else begins
 * there. Without section headers the
 * dynamic symbols are found through PT_DYNAMIC. Damaged tables add what can be read. */
void rts_symbols_add(struct rts_symbols *symbols, const struct rts_elf_image *image, uint32_t type,
                     const struct rts_elf_image *mapped, enum rts_symbol_source source);

/* Allows for names from `bytes` more of tables of texts in the file. */
void rts_symbols_allow_names(struct rts_symbols *symbols, uint64_t bytes);

/* Adds one local function, as rts_symbols_add() does; its name must have been allowed for. */
void rts_symbols_add_function(struct rts_symbols *symbols, uint64_t start, uint64_t size,
                              const char *name, const struct rts_elf_image *mapped,
                              enum rts_symbol_source source);

/* Sorts, and drops repetitions of one name at one address: the source given first in
 * enum rts_symbol_source stays. A name that is another one of that address up to an @ is the same,
 * cut off by the linker: the whole one stays (binary/elf_versions.h). Lookups work from here on. */
void rts_symbols_seal(struct rts_symbols *symbols);

void rts_symbols_finish(struct rts_symbols *symbols);

/* The memory that it takes. */
size_t rts_symbols_bytes(const struct rts_symbols *symbols);

/* The chosen one (binary/object.h has the rule) of the sized symbols that cover `vaddr` and start
 * nearest before it, or NULL. */
const struct rts_symbol_entry *rts_symbols_covering(const struct rts_symbols *symbols,
                                                    uint64_t vaddr);

/* Whether a symbol, or anything else that the tables tell of, begins from `start` on to before
 * `end`. */
bool rts_symbols_any(const struct rts_symbols *symbols, uint64_t start, uint64_t end);

/* The chosen one of the unsized symbols at the last address at or before `vaddr` at which anything
 * begins; NULL when that is not an unsized function. */
const struct rts_symbol_entry *rts_symbols_unsized(const struct rts_symbols *symbols,
                                                   uint64_t vaddr);

/* The name of an entry, without version. Owned by the table. */
const char *rts_symbols_name(const struct rts_symbols *symbols,
                             const struct rts_symbol_entry *entry);

/* The names of all other symbols of that address, sorted, NULL-terminated; NULL if there is none.
 * Owned by the table. */
const char **rts_symbols_aliases(struct rts_symbols *symbols, const struct rts_symbol_entry *entry);

#endif
