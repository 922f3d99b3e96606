/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few x86-64 instructions that start code and linkage tables are made of: enough to follow such
 * code on a straight line. Any other instruction ends it.
 */
#ifndef RTS_UNWIND_INSTRUCTION_X86_64_H
#define RTS_UNWIND_INSTRUCTION_X86_64_H

#include "types.h"

enum rts_instruction_kind {
    RTS_INSTRUCTION_OTHER, /* goes on with the next one, the stack pointer where it was */
    RTS_INSTRUCTION_PUSH,
    RTS_INSTRUCTION_POP,
    RTS_INSTRUCTION_STACK, /* changes the stack pointer in another way */
    RTS_INSTRUCTION_CALL,
    RTS_INSTRUCTION_JUMP, /* always taken */
    RTS_INSTRUCTION_RETURN,
};

struct rts_instruction {
    enum rts_instruction_kind kind;
    size_t length;     /* bytes */
    bool has_target;   /* a call or jump to `target`, which is … */
    int64_t target;    /* … counted from the start of the instruction */
    bool takes_stack;  /* mov %rsp, to another register than %rbp */
    bool reads_result; /* mov %rax, elsewhere */
    bool clears_frame; /* xor %ebp,%ebp */
};

/* Decodes the instruction at the start of `bytes`; false when it is none of the known ones or not
 * all there. */
bool rts_instruction_decode(const uint8_t *bytes, size_t size, struct rts_instruction *instruction);

/* Length of an instruction of a one-byte opcode, ModRM, SIB and displacement; prefixes and
 * immediate operands do not count. */
size_t rts_instruction_operand_length(uint8_t modrm, uint8_t sib);

#endif
