/* SPDX-License-Identifier: Apache-2.0 */
/* MiniDebugInfo: an xz-compressed ELF file with a .symtab of its own, in section .gnu_debugdata. */
#ifndef RTS_BINARY_MINI_DEBUG_H
#define RTS_BINARY_MINI_DEBUG_H

#include "binary/elf_image.h"

/* Compressed and decompressed; the largest seen in distributions are some MiB. */
#define RTS_MINI_DEBUG_PACKED_MAX (32u << 20)
#define RTS_MINI_DEBUG_MAX        (64u << 20)
/* Decompressed, of a file that is neither root's nor ours: it costs its maker nothing. */
#define RTS_MINI_DEBUG_FOREIGN_MAX (16u << 20)
/* Memory of the decompressor; xz -9 asks for 65 MiB. */
#define RTS_MINI_DEBUG_MEMORY_MAX (128u << 20)

/* Decompresses it. False when there is none, or it is damaged or beyond a limit. */
bool rts_mini_debug_open(struct rts_elf_image *mini, const struct rts_elf_image *image);

#endif
