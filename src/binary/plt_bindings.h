/* SPDX-License-Identifier: Apache-2.0 */
/* The relocations that fill words of the global offset table with addresses of functions. */
#ifndef RTS_BINARY_PLT_BINDINGS_H
#define RTS_BINARY_PLT_BINDINGS_H

#include "binary/elf_image.h"

/* Bindings of one file; the largest libraries have some ten thousand. */
#define RTS_PLT_BINDINGS_MAX (1u << 20)

struct rts_plt_binding {
    uint64_t word;     /* link-time address of what is filled */
    uint64_t symbol;   /* index of the dynamic symbol; 0: by `resolver` */
    uint64_t resolver; /* address of a function that returns the address */
    uint64_t index;    /* in .rela.plt; UINT64_MAX elsewhere */
};

struct rts_plt_bindings {
    struct rts_plt_binding *items; /* sorted by word */
    size_t count;
    size_t capacity;
    uint32_t *by_index; /* position in items + 1; 0: none */
    size_t index_count;
};

void rts_plt_bindings_init(struct rts_plt_bindings *bindings, const struct rts_elf_image *image);
void rts_plt_bindings_finish(struct rts_plt_bindings *bindings);

/* The binding of the word at that address, or of that entry of .rela.plt; NULL when there is none.
 */
const struct rts_plt_binding *rts_plt_bindings_of_word(const struct rts_plt_bindings *bindings,
                                                       uint64_t word);
const struct rts_plt_binding *rts_plt_bindings_of_index(const struct rts_plt_bindings *bindings,
                                                        uint64_t index);

#endif
