/* SPDX-License-Identifier: Apache-2.0 */
/* The code of procedure linkage tables, as the usual linkers emit it. */
#ifndef RTS_BINARY_PLT_CODE_H
#define RTS_BINARY_PLT_CODE_H

#include "types.h"

/* The code of one table. */
struct rts_plt_code {
    uint16_t machine; /* EM_X86_64 or EM_AARCH64 */
    const uint8_t *bytes;
    size_t size;
    uint64_t vaddr;
    uint64_t entry_size; /* the section's sh_entsize; 0 where the linker does not say */
};

enum rts_plt_kind {
    RTS_PLT_WORD,  /* a slot that jumps to where a word points */
    RTS_PLT_INDEX, /* a slot that passes a relocation's index on to the dynamic linker */
    RTS_PLT_FIRST, /* the table's first entry, which the others go on to */
};

/* One entry. */
struct rts_plt_jump {
    uint64_t start;
    uint32_t size;
    enum rts_plt_kind kind;
    uint8_t pushed;  /* words between the stack pointer and the return address at its start; 0 where
                        the return address is in a register */
    uint64_t target; /* the address of the word, or the index; 0 of the first entry */
};

/* Decodes the entry at or after *offset and moves *offset behind it; false at the end. Code of
 * another form is passed over. */
bool rts_plt_code_next(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump);

#endif
