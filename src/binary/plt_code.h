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

/* Where one slot jumps to. */
struct rts_plt_jump {
    uint64_t start;
    uint32_t size;
    bool by_index;   /* it passes a relocation's index on to the dynamic linker … */
    uint64_t target; /* … which this is; else the address of the word that it loads */
};

/* Decodes the slot at or after *offset and moves *offset behind it; false at the end. Code that is
 * no slot is passed over, as the first entry of a lazily bound table. */
bool rts_plt_code_next(const struct rts_plt_code *code, size_t *offset, struct rts_plt_jump *jump);

#endif
