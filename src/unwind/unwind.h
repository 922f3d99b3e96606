/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From registers and a stack copy to frames. Every stack ends with a reason (enum rts_stop), every
 * frame knows how it was found, and nothing is guessed past a break: fewer frames are better than
 * wrong ones.
 */
#ifndef RTS_UNWIND_UNWIND_H
#define RTS_UNWIND_UNWIND_H

#include "unwind/method.h"

/* Unwinds by our rules. The leaf is always there, also when nothing is mapped at its pc. */
void rts_unwind_stack(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                      const struct rts_unwind_task *task, struct rts_stack *stack);

/* Just the leaf: the stack ends with `stop`. */
void rts_unwind_leaf(const struct rts_code_finder *finder, uint64_t pc, enum rts_stop stop,
                     struct rts_stack *stack);

/* Frames from a callchain that the kernel made by following frame pointers: `chain` as in the
 * record, with PERF_CONTEXT_* markers. */
void rts_unwind_chain(struct rts_rule_cache *rules, const struct rts_code_finder *finder,
                      const uint64_t *chain, size_t length, struct rts_stack *stack);

#endif
