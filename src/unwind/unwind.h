/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From registers and a stack copy to frames. Every stack ends with a reason (enum rts_stop), every
 * frame knows how it was found, and nothing is guessed past a break: fewer frames are better than
 * wrong ones.
 */
#ifndef RTS_UNWIND_UNWIND_H
#define RTS_UNWIND_UNWIND_H

#include "unwind/memory.h"
#include "unwind/rule_cache.h"

/* What is mapped at a pc. */
enum rts_code_kind {
    RTS_CODE_NONE,      /* nothing executable */
    RTS_CODE_OBJECT,    /* an ELF file, or the vDSO */
    RTS_CODE_ANONYMOUS, /* generated code: no file, no CFI */
    RTS_CODE_NO_FILE,   /* a file that could not be read */
};

struct rts_code {
    enum rts_code_kind kind;
    struct rts_object *object; /* RTS_CODE_OBJECT only */
    uint64_t bias;             /* pc - vaddr */
    uint64_t load_base;
    enum rts_frame_text text;
    const char *module; /* as in struct rts_frame */
};

/* Finds out what is mapped. */
struct rts_code_finder {
    void *context;
    struct rts_code (*find)(void *context, uint64_t pc);
};

/* A stack; frames innermost first. */
struct rts_stack {
    enum rts_stop stop;
    uint32_t count;
    struct rts_frame frames[RTS_STACK_DEPTH_MAX];
    uint8_t kinds[RTS_STACK_DEPTH_MAX]; /* enum rts_code_kind of each frame */
};

/* Unwinds from `registers` (those of the leaf) over `memory`. The leaf is always there, also when
 * nothing is mapped at its pc. */
void rts_unwind_stack(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                      const struct rts_code_finder *finder, const struct rts_registers *registers,
                      const struct rts_memory *memory, struct rts_stack *stack);

/* Just the leaf: the stack ends with `stop`. */
void rts_unwind_leaf(const struct rts_code_finder *finder, uint64_t pc, enum rts_stop stop,
                     struct rts_stack *stack);

/* Frames from a callchain that the kernel made by following frame pointers: `chain` as in the
 * record, with PERF_CONTEXT_* markers. */
void rts_unwind_chain(struct rts_rule_cache *rules, const struct rts_code_finder *finder,
                      const uint64_t *chain, size_t length, struct rts_stack *stack);

#endif
