/* SPDX-License-Identifier: Apache-2.0 */
/* Which functions the compiler inlined at an address, as DWARF has it. */
#ifndef RTS_BINARY_INLINES_H
#define RTS_BINARY_INLINES_H

#include "binary/debug_place.h"
#include "binary/elf_image.h"
#include "binary/function.h"

struct rts_inlines;

/* Reads the DWARF of the file; NULL when it has no .debug_info, or too much of it. The image and
 * what `place` points to must outlive the result; parts that lie elsewhere are looked for when they
 * are first needed. */
struct rts_inlines *rts_inlines_create(const struct rts_elf_image *image,
                                       const struct rts_debug_place *place);
void rts_inlines_destroy(struct rts_inlines *inlines);

/* The memory that it takes, that of libdw by estimate. */
size_t rts_inlines_bytes(const struct rts_inlines *inlines);

/* The inlined subroutines at `vaddr`, innermost first: at most `capacity`, the outer ones where
 * there are more. Names are owned by `inlines`. */
size_t rts_inlines_at(struct rts_inlines *inlines, uint64_t vaddr, struct rts_function *functions,
                      size_t capacity);

#endif
