/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The separate debug file of an ELF file, as GDB and distributions lay them out, below the root
 * directory of the process that maps the file:
 *
 *     /usr/lib/debug/.build-id/xx/yyyy.debug    its build-id must be the same
 *     <dir>/<link>                              the name in .gnu_debuglink; the CRC-32 there must
 *     <dir>/.debug/<link>                       be that of the file found
 *     /usr/lib/debug/<dir>/<link>
 */
#ifndef RTS_BINARY_DEBUG_FILE_H
#define RTS_BINARY_DEBUG_FILE_H

#include <limits.h>

#include "binary/debug_place.h"
#include "binary/elf_image.h"

/* A debug file beyond this size is left alone rather than read for its CRC. */
#define RTS_DEBUG_FILE_MAX (1ULL << 30)

/* A path in the target, its buffer. */
struct rts_debug_path {
    char text[2 * PATH_MAX];
};

/* Our own root, with the rights of `tree`: what is found for a target it could have found itself.
 */
struct rts_tree rts_debug_tree_ours(const struct rts_tree *tree);

/* Read of the debug files of others for their checksums, for each owner and run. */
#define RTS_CRC_BYTES_MAX ((uint64_t)256 << 20)

/* Opens the debug file of `image`, mapped as `path` (absolute, may be NULL: by build-id only).
 * All paths and their symbolic links are resolved in `tree`, before our own root is searched in the
 * same way, with the same rights.
 * For the checksum of a file that is not root's in our own root no more than *crc_left bytes are
 * read, which are taken off it. *place becomes the path of what was found. Returns false when there
 * is none that fits. */
bool rts_debug_file_find(struct rts_elf_image *found, const struct rts_elf_image *image,
                         const struct rts_build_id *build_id, const char *path,
                         const struct rts_tree *tree, uint64_t *crc_left,
                         struct rts_debug_path *place);

/* Opens the file that dwz moved parts of the debug information of `image` to, which several files
 * have in common: .gnu_debugaltlink has its path, absolute or from where `image` lies, and its
 * build-id, which must be the same. It is looked for there, in the target's root, and below
 * /usr/lib/debug by build-id and in .dwz, in the target's root and in ours. False when `image`
 * names none; when it does and it is not found, place->unread is told. */
bool rts_debug_file_find_common(struct rts_elf_image *found, const struct rts_elf_image *image,
                                const struct rts_debug_place *place);

#endif
