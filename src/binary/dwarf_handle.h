/* SPDX-License-Identifier: Apache-2.0 */
/* libdw's view of an ELF image in memory. */
#ifndef RTS_BINARY_DWARF_HANDLE_H
#define RTS_BINARY_DWARF_HANDLE_H

#include <elfutils/libdw.h>
#include <libelf.h>

#include "types.h"

struct rts_dwarf_handle {
    Elf *elf;
    Dwarf *dwarf; /* NULL: it has none */
};

/* What libelf and libdw take for one, before anything is asked of it. */
#define RTS_DWARF_HANDLE_BYTES 4096

/* Units of one file: the largest programs have some 50,000; libdw keeps a KiB for each. */
#define RTS_DWARF_UNITS_MAX (256u << 10)

/* The bytes are not owned, and must outlive the handle. */
bool rts_dwarf_handle_open(struct rts_dwarf_handle *handle, uint8_t *bytes, size_t size);
void rts_dwarf_handle_close(struct rts_dwarf_handle *handle); /* also an empty one */

#endif
