/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DWARF sections that say where functions and inlined calls are, as an ELF image made here for
 * libdw: it sees no header of the file. Every section is decompressed, and zero bytes follow it, so
 * that a string in it always ends. Line tables, locations and macros are left out, and the link to
 * a shared debug file too, since libdw would open a file of that name by itself.
 */
#ifndef RTS_BINARY_DWARF_IMAGE_H
#define RTS_BINARY_DWARF_IMAGE_H

#include "binary/elf_image.h"

/* Bytes of these sections, decompressed, that are read at most; a browser built with full debug
 * information has more, and is then reported without inlined functions. */
#define RTS_DWARF_SIZE_MAX (512ULL << 20)

/* The image in new memory that the caller frees; NULL when there is no .debug_info or too much. */
uint8_t *rts_dwarf_image_create(const struct rts_elf_image *image, size_t *size);

#endif
