/* SPDX-License-Identifier: Apache-2.0 */
/* A file as libdwfl has it, at the addresses that it was linked for, and the rows of its CFI as libdw
 * reads them from the file: none of it goes through src/binary/. */
#ifndef RTS_TESTS_MODULE_H
#define RTS_TESTS_MODULE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

struct module {
    Dwfl *dwfl;
    Elf *elf;
    Dwarf_CFI *cfi[2]; /* .eh_frame and .debug_frame; NULL: there is none */
    size_t segment;    /* the program header that rows are looked for in */
    uint64_t next;     /* where in it; 0: at its start */
    const void *asked; /* of libdw_says(), while it runs */
};

struct cfi_row {
    uint64_t start, end; /* link-time addresses */
    bool has_cfa;        /* it says where the CFA is */
};

/* Opens the file; dwfl_errmsg(-1) says why it cannot. */
bool module_open(struct module *module, const char *path);
void module_close(struct module *module);

/* The next row, in the order of addresses. Each byte of code for which there is CFI is in one. False:
 * that was the last. */
bool module_next_row(struct module *module, struct cfi_row *row);

/* The row at `vaddr`; false: there is none. */
bool module_row_at(const struct module *module, uint64_t vaddr, struct cfi_row *row);

#endif
