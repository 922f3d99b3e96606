/* SPDX-License-Identifier: Apache-2.0 */
/* The GNU build-id note of an ELF file. */
#ifndef RTS_BINARY_BUILD_ID_H
#define RTS_BINARY_BUILD_ID_H

#include "binary/elf_image.h"

/* Reads the build-id from PT_NOTE segments, else from SHT_NOTE sections. An id of more than
 * RTS_BUILD_ID_MAX bytes counts as none. */
void rts_build_id_read(const struct rts_elf_image *image, struct rts_build_id *build_id);

/* Whether a note of either kind holds this id: in a separate debug file the segments may point at
 * bytes that were left out. False when `build_id` is empty. */
bool rts_build_id_is_in(const struct rts_elf_image *image, const struct rts_build_id *build_id);

/* Whether two ids are equal; two empty ones are. */
bool rts_build_id_same(const struct rts_build_id *left, const struct rts_build_id *right);

#endif
