/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large the frame of a Go function is at each of its instructions, by the table that the
 * runtime walks its own stacks with: for code that has no call frame information. It says by how
 * much the stack pointer is below where it was when the function was entered.
 */
#ifndef RTS_BINARY_GO_FRAMES_H
#define RTS_BINARY_GO_FRAMES_H

#include "binary/function.h"
#include "binary/go_table.h"

/* Asks the table about the instruction at `vaddr`. *size is set for RTS_GO_FRAME_SIZED. */
enum rts_go_frame rts_go_frames_at(const struct rts_go_table *table, uint64_t vaddr,
                                   uint32_t *size);

#endif
