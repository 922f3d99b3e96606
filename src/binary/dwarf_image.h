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
#include "binary/unread.h"

/* Bytes of these sections, decompressed, that are read at most; a browser built with full debug
 * information has more, and is then reported without inlined functions. */
#define RTS_DWARF_SIZE_MAX (512ULL << 20)

/* Zero bytes behind each section: more than libdw reads at once. */
#define RTS_DWARF_PADDING 16

/* Sections of an image; those that only some have are empty in the others. */
enum rts_dwarf_section {
    RTS_DWARF_INFO = 1, /* section 0 is not a section */
    RTS_DWARF_ABBREV,
    RTS_DWARF_STR,
    RTS_DWARF_LINE_STR,
    RTS_DWARF_STR_OFFSETS,
    RTS_DWARF_ADDR,
    RTS_DWARF_RANGES,
    RTS_DWARF_RNGLISTS,
    RTS_DWARF_TYPES,
    RTS_DWARF_ARANGES,
    RTS_DWARF_NAMES, /* of the sections themselves */
    RTS_DWARF_SECTIONS
};

#define RTS_DWARF_NAME_SIZE 24

/* What an image begins with. Offsets count from here. */
struct rts_dwarf_image_head {
    Elf64_Ehdr header;
    Elf64_Shdr sections[RTS_DWARF_SECTIONS];
    char names[RTS_DWARF_SECTIONS][RTS_DWARF_NAME_SIZE];
};

/* Fills in everything but where the sections lie; they are empty until rts_dwarf_image_place(). */
void rts_dwarf_image_head_init(struct rts_dwarf_image_head *head);
void rts_dwarf_image_place(struct rts_dwarf_image_head *head, enum rts_dwarf_section section,
                           uint64_t offset, uint64_t size);

/* The name of a section, as ".debug_info". */
const char *rts_dwarf_section_name(enum rts_dwarf_section section);

/* The image in new memory that the caller frees; NULL when there is no .debug_info or too much.
 * What is there and cannot be read is told to `unread`. */
uint8_t *rts_dwarf_image_create(const struct rts_elf_image *image, size_t *size,
                                struct rts_unread *unread);

/* The content of a section of an image made by that; NULL and 0 when it is empty. */
const uint8_t *rts_dwarf_image_section(const uint8_t *bytes, enum rts_dwarf_section section,
                                       uint64_t *size);

#endif
