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
    RTS_STEP_ROOT,        /* the rule says that there is no caller */
    RTS_STEP_NO_MEMORY,   /* *missing is the address that could not be read */
    RTS_STEP_NO_REGISTER, /* the rule needs a register whose value is not known */
    RTS_STEP_INVALID,     /* the rule cannot be evaluated */
};

/* Applies a rule. *registers becomes the caller's on RTS_STEP_DONE and is left alone otherwise.
 * *popped is the set (by DWARF number) of registers that the rule finds below the stack pointer,
 * where nothing was copied, so that they are unknown, or what is there may be old. In an epilogue
 * they are back in place already.
 */
enum rts_step_result rts_step_rule(const struct rts_architecture *arch, const struct rts_rule *rule,
                                   const struct rts_memory *memory, struct rts_registers *registers,
                                   uint64_t *missing, uint64_t *popped);

/* Follows the frame pointer, for code without CFI: [fp] is the caller's, [fp + 8] the return
 * address. RTS_STEP_ROOT when the frame pointer is zero, as the psABI has it for the outermost
 * frame; RTS_STEP_INVALID when it cannot be one: not aligned, or below the stack pointer. Whether
 * the word above it is a return address is for the caller to find out; *rising says that the
 * caller's frame pointer lies above this one (or is zero), as it does when the caller keeps one
 * too. */
enum rts_step_result rts_step_frame_pointer(const struct rts_architecture *arch,
                                            const struct rts_memory *memory,
                                            struct rts_registers *registers, uint64_t *missing,
                                            bool *rising);

#endif
