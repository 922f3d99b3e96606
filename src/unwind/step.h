/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step outwards: from the registers of a frame to those of its caller. Pure; memory is asked
 * for what the rule needs, and nothing is guessed.
 */
#ifndef RTS_UNWIND_STEP_H
#define RTS_UNWIND_STEP_H

#include "unwind/memory.h"
#include "unwind/rule.h"

enum rts_step_result {
    RTS_STEP_DONE,
    RTS_STEP_ROOT,      /* the rule says that there is no caller */
    RTS_STEP_NO_MEMORY, /* *missing is the address that could not be read */
    RTS_STEP_INVALID,   /* the rule needs a register that is not known, or cannot be evaluated */
};

/* Applies a rule. *registers becomes the caller's on RTS_STEP_DONE and is left alone otherwise. */
enum rts_step_result rts_step_rule(const struct rts_architecture *arch,
                                   const struct rts_rule *rule, const struct rts_memory *memory,
                                   struct rts_registers *registers, uint64_t *missing);

/* Follows the frame pointer, for code without CFI: [fp] is the caller's, [fp + 8] the return
 * address. RTS_STEP_ROOT when the frame pointer is zero, as the psABI has it for the outermost frame;
 * RTS_STEP_INVALID when it cannot be one: not aligned, not above the stack pointer, not followed by
 * a larger one. */
enum rts_step_result rts_step_frame_pointer(const struct rts_architecture *arch,
                                            const struct rts_memory *memory,
                                            struct rts_registers *registers, uint64_t *missing);

#endif
