/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to unwind a stack, which can stand in for one another: our own rules (unwind.c), and
 * libunwind (libunwind.c), which others wrote. Where both come to the same, a stack is right for
 * two reasons.
 */
#ifndef RTS_UNWIND_METHOD_H
#define RTS_UNWIND_METHOD_H

#include "unwind/memory.h"
#include "unwind/rule_cache.h"
#include "unwind/stack.h"
#include "util/error.h"

/* What there is of a thread. All of it is borrowed. */
struct rts_unwind_task {
    const struct rts_code_finder *finder;
    const struct rts_registers *registers; /* of the leaf */
    const struct rts_memory *memory;
    /* The rules put the registers of this frame there, counted from the leaf; NULL: of none. Others
     * leave them alone. */
    struct rts_registers *registers_of;
    uint32_t frame;
};

/* What a method can unwind over. */
enum rts_unwind_over {
    RTS_UNWIND_COPY = 1 << 0,    /* bytes that were copied when the sample was taken */
    RTS_UNWIND_STOPPED = 1 << 1, /* the memory of a thread that is stopped */
};

struct rts_unwind_method {
    const char *name;
    unsigned over; /* enum rts_unwind_over */
    /* What the method keeps from stack to stack. `rules` are borrowed. NULL: it cannot be used
     * here; the error says why. */
    void *(*open)(const struct rts_architecture *arch, struct rts_rule_cache *rules,
                  struct rts_error *error);
    void (*close)(void *state); /* accepts NULL */
    /* Unwinds. The leaf is always there, also when nothing is mapped at its pc. */
    void (*unwind)(void *state, const struct rts_unwind_task *task, struct rts_stack *stack);
};

extern const struct rts_unwind_method rts_unwind_rules;
extern const struct rts_unwind_method rts_unwind_libunwind;

/* The version of libunwind that this program was built with: "1.6". */
extern const char *const rts_libunwind_version;

#endif
