/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinds the stacks of samples by the chosen method; with --unwinder both by the rules, and each so
 * many stacks by libunwind too. What both agree on is counted. A difference changes no fact; but a
 * stack that only one of them calls complete is not called that.
 */
#ifndef RTS_SAMPLER_UNWINDING_H
#define RTS_SAMPLER_UNWINDING_H

#include "facts/opinions.h"
#include "unwind/compare.h"
#include "unwind/method.h"
#include "unwind/root.h"

/* Bytes of program text that are kept of a difference. */
#define RTS_DISAGREEMENT_TEXT 16

/* The first difference in a binary, with what decides who is right. */
struct rts_disagreement {
    struct rts_comparison how;
    struct rts_place place; /* of the frame whose caller they differ about */
    enum rts_stop rules_stop, libunwind_stop;
    struct rts_registers registers;      /* at that place, as the rules have them */
    uint8_t text[RTS_DISAGREEMENT_TEXT]; /* from the place on; a caller's begins behind its call */
    size_t text_size;
    struct rts_rule rule; /* the row of CFI there, if has_rule; expressions borrowed */
    bool has_rule;
    struct rts_frame rules_caller, libunwind_caller; /* if there is one: object not NULL */
};

struct rts_unwinding {
    const struct rts_architecture *arch;
    struct rts_rule_cache *rules;
    void *by_rules, *by_libunwind; /* states of the methods; NULL: not in use */
    uint32_t every, turn;
    uint64_t again_ns; /* there is no check before, on CLOCK_MONOTONIC: the last one took long */
    struct rts_stack *second;
    struct rts_opinions *opinions;
    struct rts_disagreement news;
    bool has_news; /* of the stack that was unwound last */
};

/* Begins with the rules, whatever is wanted later. `rules` and `opinions` are borrowed. */
void rts_unwinding_init(struct rts_unwinding *unwinding, const struct rts_architecture *arch,
                        struct rts_rule_cache *rules, struct rts_opinions *opinions);

/* Has stacks unwound as is wanted. Fails when libunwind cannot be used. */
int rts_unwinding_choose(struct rts_unwinding *unwinding, enum rts_unwind_by by, uint32_t every,
                         struct rts_error *error);

/* Unwinds a stack. */
void rts_unwinding_do(struct rts_unwinding *unwinding, struct rts_unwind_task *task,
                      struct rts_stack *stack);

void rts_unwinding_finish(struct rts_unwinding *unwinding);

#endif
