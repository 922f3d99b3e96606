/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a section, decompressed where it is compressed:
 *
 *     SHF_COMPRESSED   an Elf64_Chdr, then zlib or zstd (gABI, chapter 4)
 *     .zdebug_*        "ZLIB", the size as eight bytes of which the first is the highest, then
 *                      zlib, as GNU tools wrote it before
 *
 * zstd is read where this program was built with libzstd.
 */
#ifndef RTS_BINARY_SECTION_DATA_H
#define RTS_BINARY_SECTION_DATA_H

#include "binary/elf_image.h"

/* What keeps the content of a section from being read. */
enum rts_section_fault {
    RTS_SECTION_SOUND,
    RTS_SECTION_NEEDS_ZSTD,      /* and this program was built without */
    RTS_SECTION_UNKNOWN_PACKING, /* a type of compression that nothing here knows */
    RTS_SECTION_DAMAGED,         /* beyond the end of the file, or a header that cannot be right */
};

/* The section of debug information called `name` (".debug_…"), or its compressed form .zdebug_…;
 * NULL when there is neither. */
const struct rts_section *rts_section_data_find_debug(const struct rts_elf_image *image,
                                                      const char *name);

/* What the headers say against reading it; its bytes are not looked at, and may be damaged too. */
enum rts_section_fault rts_section_data_fault(const struct rts_elf_image *image,
                                              const struct rts_section *section);

/* Bytes the section has once decompressed; 0 when it has none in the file, or is compressed in a
 * way that is not supported. */
uint64_t rts_section_data_size(const struct rts_elf_image *image,
                               const struct rts_section *section);

/* Writes exactly that many bytes; false when they cannot be had. */
bool rts_section_data_read(const struct rts_elf_image *image, const struct rts_section *section,
                           void *bytes, size_t size);

/* The content in new memory that the caller frees, with a NUL byte added behind; NULL when there is
 * none or more than `limit`. */
void *rts_section_data_load(const struct rts_elf_image *image, const struct rts_section *section,
                            uint64_t limit, size_t *size);

#endif
