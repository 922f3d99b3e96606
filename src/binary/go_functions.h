/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of a Go program from its table of program counters and lines (pclntab), which the
 * runtime needs for its own stack traces, so that stripping leaves it there. Of Go 1.18 and later:
 *
 *     header   magic, sizes, number of functions, address of the text, offsets of the parts
 *     names    texts that end with a NUL byte
 *     functab  for each function, by address: its offset in the text and that of its description;
 *              behind the last one the offset of the end of the text
 *     ...      descriptions, which begin with the offset in the text and that of the name
 *
 * Untrusted input.
 */
#ifndef RTS_BINARY_GO_FUNCTIONS_H
#define RTS_BINARY_GO_FUNCTIONS_H

#include "binary/symbols.h"

/* Adds what the table of `image` has; nothing when there is none, or none that is understood. */
void rts_go_functions_add(struct rts_symbols *symbols, const struct rts_elf_image *image);

#endif
