/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots of procedure linkage tables, named after the symbol whose address they jump to:
 * "name@plt". A slot is recognised by its code, which loads a word of the global offset table; the
 * relocation of that word gives the name. Most linkers but GNU's give these tables no CFI.
 */
#ifndef RTS_BINARY_PLT_H
#define RTS_BINARY_PLT_H

#include "binary/elf_image.h"

/* Slots in all tables of one file; the largest libraries have some ten thousand. */
#define RTS_PLT_MAX (1u << 20)
/* Bytes of code of one table. */
#define RTS_PLT_CODE_MAX (32u << 20)

/* The name of an entry that has none: the first one of a table, or one whose word is filled by no
 * relocation. */
#define RTS_PLT_NAMELESS UINT32_MAX

struct rts_plt_slot {
    uint64_t start;
    uint32_t size;
    uint32_t name;  /* offset in `names`, or RTS_PLT_NAMELESS */
    uint8_t pushed; /* words between the stack pointer and the return address at its start */
};

struct rts_plt {
    struct rts_plt_slot *slots; /* sorted by start */
    size_t count;
    char *names;
    size_t names_size;
};

/* Finds the entries of .plt, .plt.sec, .plt.got and .iplt, and names what can be named. Needs
 * section headers. */
void rts_plt_init(struct rts_plt *plt, const struct rts_elf_image *image);
void rts_plt_finish(struct rts_plt *plt);

/* The memory that it takes. */
size_t rts_plt_bytes(const struct rts_plt *plt);

/* The slot that covers `vaddr`, or NULL. */
const struct rts_plt_slot *rts_plt_find(const struct rts_plt *plt, uint64_t vaddr);

#endif
