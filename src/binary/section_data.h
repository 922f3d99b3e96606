/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a section, decompressed where it is compressed (SHF_COMPRESSED with zlib). */
#ifndef RTS_BINARY_SECTION_DATA_H
#define RTS_BINARY_SECTION_DATA_H

#include "binary/elf_image.h"

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
