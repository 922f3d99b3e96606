/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of all vetted FDEs of one section, sorted by start. */
#ifndef RTS_BINARY_FDE_INDEX_H
#define RTS_BINARY_FDE_INDEX_H

#include "binary/cfi_entry.h"

/* A browser has about a million functions. */
#define RTS_FDE_MAX (8u << 20)

struct rts_fde {
    uint64_t start; /* link-time address */
    uint32_t size;  /* bytes of code; an FDE of 4 GiB or more is left out */
    uint32_t entry; /* offset of the FDE in its section */
};

struct rts_fde_index {
    struct rts_fde *fdes;
    size_t count;
};

/* Walks the section. Entries that fail rts_fde_read() are left out; of several FDEs with the same
 * start the first is kept. At most RTS_FDE_MAX are. `past_terminator` as in cfi_entry.h. */
void rts_fde_index_init(struct rts_fde_index *index, const struct rts_cfi_bytes *bytes,
                        bool past_terminator);
void rts_fde_index_finish(struct rts_fde_index *index);

/* The FDE that covers `vaddr`, or NULL. */
const struct rts_fde *rts_fde_index_find(const struct rts_fde_index *index, uint64_t vaddr);

/* Whether code ends or begins, as the FDEs have it, between `low` and `high` > `low`: an FDE starts
 * after `low` and not after `high`, or the one that covers `low` ends there. */
bool rts_fde_index_splits(const struct rts_fde_index *index, uint64_t low, uint64_t high);

#endif
