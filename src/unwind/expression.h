/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluating a DWARF expression (DWARF 5, 2.5) as it occurs in call frame information: integers of
 * 64 bits, registers, memory of the target. Bounded in steps and in stack.
 */
#ifndef RTS_UNWIND_EXPRESSION_H
#define RTS_UNWIND_EXPRESSION_H

#include "unwind/memory.h"
#include "unwind/rule.h"

enum rts_expression_result {
    RTS_EXPRESSION_VALUE,
    RTS_EXPRESSION_INVALID,   /* malformed, too long, or an operation that has no meaning here */
    RTS_EXPRESSION_NO_MEMORY, /* it reads memory that is not there; *value is the address */
};

/* `cfa` is what DW_OP_call_frame_cfa yields. */
enum rts_expression_result rts_expression_evaluate(const struct rts_expression *expression,
                                                   const struct rts_registers *registers,
                                                   uint64_t cfa, const struct rts_memory *memory,
                                                   uint64_t *value);

#endif
