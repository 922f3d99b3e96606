/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of program counters and lines of a Go program (pclntab), which the runtime needs for
 * its own stack traces, so that stripping leaves it there:
 *
 *     header        magic, sizes, number of functions; since Go 1.16 offsets of the parts, since
 *                   1.18 the address of the text, which later versions leave 0
 *     names         texts that end with a NUL byte
 *     pctab         for each function, numbers by pc: the size of its frame is one of them
 *     functab       for each function, by address: where it begins and where its description is, as
 *                   addresses until Go 1.17, as offsets from the text since; behind the last one,
 *                   where that ends
 *     descriptions  of each function: its name, where its numbers are, what is special about it
 *
 * The functions have to be sorted and to lie in code. Where the table has no address of the text,
 * or section headers do not tell where the table is, the runtime's own record of the program is
 * found in its data (go_module.h), which proves both. Untrusted input.
 */
#ifndef RTS_BINARY_GO_TABLE_H
#define RTS_BINARY_GO_TABLE_H

#include "binary/elf_image.h"

/* Functions of one program; the largest have some hundred thousand. */
#define RTS_GO_FUNCTIONS_MAX (4u << 20)

struct rts_go_layout; /* what one version of Go writes */

struct rts_go_entry {
    uint64_t start;       /* link-time address */
    uint64_t description; /* offset in the table */
};

struct rts_go_table {
    const struct rts_elf_image *image;
    const struct rts_go_layout *layout;
    uint64_t offset, size; /* of the table in the file */
    uint64_t quantum;      /* of code addresses */
    uint64_t text;         /* what functions count from; 0 where they have whole addresses */
    uint64_t names, names_size;
    uint64_t numbers;             /* where offsets of pctab count from */
    struct rts_go_entry *entries; /* one more than there are functions: where the last one ends */
    size_t count;
};

/* What is known of a function beside its bounds. */
struct rts_go_description {
    uint32_t name;        /* offset in the names */
    uint32_t frame_sizes; /* offset in pctab; 0: none */
    bool flags_are_known; /* the next two are (Go 1.18); false is what they are otherwise */
    bool is_outermost;    /* nobody called it */
    bool moves_stack;     /* sets the stack pointer to something that the table cannot say */
};

/* Finds the table of `image`, which must outlive it. False, and nothing to finish, when there is
 * none or none that is understood. */
bool rts_go_table_init(struct rts_go_table *table, const struct rts_elf_image *image);
void rts_go_table_finish(struct rts_go_table *table);

/* What it takes of memory. */
size_t rts_go_table_bytes(const struct rts_go_table *table);

/* The index of the function around `vaddr`; false when there is none. */
bool rts_go_table_find(const struct rts_go_table *table, uint64_t vaddr, size_t *index);

/* What the table has about the function of that index. */
bool rts_go_table_describe(const struct rts_go_table *table, size_t index,
                           struct rts_go_description *description);

/* Reads exactly `size` bytes of the table; false when it has them not. */
bool rts_go_table_read(const struct rts_go_table *table, uint64_t at, void *bytes, size_t size);

#endif
