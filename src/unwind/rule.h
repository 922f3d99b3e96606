/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unwind rule: one row of call frame information (DWARF 5, 6.4.1) as a small value. libdw parses
 * the CFI and gives every row as expressions; nearly all of them have one of a few shapes, which
 * are kept here as numbers and applied by step.c without libdw. What has another shape keeps its
 * expression (expression.h).
 *
 *     CFA = register + offset                     cfa_register, cfa_offset
 *     CFA = expression                            cfa_expression
 *     register = undefined                        RTS_RULE_UNDEFINED
 *     register = register                         RTS_RULE_SAME
 *     register = memory[CFA + offset]             RTS_RULE_AT_CFA
 *     register = CFA + offset                     RTS_RULE_IS_CFA
 *     register = other register                   RTS_RULE_REGISTER
 *     register = memory[expression]               RTS_RULE_AT_EXPRESSION
 *     register = expression                       RTS_RULE_IS_EXPRESSION
 */
#ifndef RTS_UNWIND_RULE_H
#define RTS_UNWIND_RULE_H

#include <elfutils/libdw.h>

#include "unwind/architecture.h"

enum rts_rule_kind {
    RTS_RULE_UNDEFINED,
    RTS_RULE_SAME,
    RTS_RULE_AT_CFA,
    RTS_RULE_IS_CFA,
    RTS_RULE_REGISTER,
    RTS_RULE_AT_EXPRESSION,
    RTS_RULE_IS_EXPRESSION,
};

/* Was the caller interrupted, so that it made no call? */
enum rts_rule_signal {
    RTS_RULE_CALLED,
    RTS_RULE_SIGNAL_CFI,  /* CFI says so (augmentation 'S') */
    RTS_RULE_SIGNAL_CODE, /* the code does, and its frame is to be checked (rts_signal_frame) */
};

/* A DWARF expression, copied out of libdw. */
struct rts_expression {
    size_t count;
    Dwarf_Op operations[];
};

/* Operations of one expression that are accepted; compilers write fewer than ten. */
#define RTS_EXPRESSION_LENGTH_MAX 64

/* Compared and hashed as bytes: no padding may be left unset. */
struct rts_rule {
    uint8_t cfa_is_expression;
    uint8_t cfa_register;
    uint8_t signal_frame;  /* enum rts_rule_signal */
    uint8_t return_column; /* the column that holds the return address */
    int32_t cfa_offset;
    uint8_t kind[RTS_REGISTERS_MAX]; /* enum rts_rule_kind */
    uint8_t return_is_checked; /* a call must end before the return address: Go's table has frames
                                  that the kernel or the runtime made too */
    uint8_t or_more; /* words that the CFA may lie further out: if the return address is not one */
    uint8_t unused[5];
    int32_t offset[RTS_REGISTERS_MAX]; /* bytes, or the other register's number */
    uint32_t unused_too;
    const struct rts_expression *cfa_expression;
    const struct rts_expression *expression[RTS_REGISTERS_MAX];
};

/* What looking for a rule can come to. */
enum rts_rule_result {
    RTS_RULE_FOUND,
    RTS_RULE_NO_CFI,   /* no FDE covers the address */
    RTS_RULE_NO_FRAME, /* Go's table has the function, which moves the stack pointer as nothing
                          tells */
    RTS_RULE_BAD_CFI,  /* one does, but it is malformed or of a shape that nothing here can apply */
};

/* Makes the rule for the row of `cfi` that covers `vaddr`. `undefined` are the registers that the
 * CFI there says are so (rts_object_cfi_mentions()): what it says nothing of is kept if callers
 * rely on it, else lost, and a return address has to be said. Expressions are allocated, and passed
 * to `own`, which takes over their memory. */
enum rts_rule_result rts_rule_compile(const struct rts_architecture *arch, Dwarf_CFI *cfi,
                                      uint64_t vaddr, uint64_t undefined, struct rts_rule *rule,
                                      void (*own)(void *context, struct rts_expression *),
                                      void *context);

/* Makes the rule for code of which Go's table has the frame (binary/object.h): `size` bytes and the
 * return address above them on x86-64, or below them on AArch64, where it is in its register as
 * long as there are none. Go keeps no register for its caller. With `outermost` there is no caller.
 */
void rts_rule_from_go_frame(const struct rts_architecture *arch, bool outermost, uint32_t size,
                            struct rts_rule *rule);

/* The rule for code that has the kernel take back a signal's frame: every register lies in that. */
void rts_rule_of_signal(const struct rts_architecture *arch, struct rts_rule *rule);

/* The rule for code that has pushed that many words since it was called, and changed no other
 * register that callers rely on. */
void rts_rule_of_pushed(const struct rts_architecture *arch, unsigned words, unsigned or_more,
                        struct rts_rule *rule);

#endif
