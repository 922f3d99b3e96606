/* SPDX-License-Identifier: Apache-2.0 */
/* A stack as unwinding makes it, and what tells what is mapped where its frames are. */
#ifndef RTS_UNWIND_STACK_H
#define RTS_UNWIND_STACK_H

#include "types.h"

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

/* Adds a frame on the outside. There must be room. `pc` is the address to look up: that of a caller
 * lies in its call. */
void rts_stack_add(struct rts_stack *stack, const struct rts_code *code, uint64_t pc,
                   enum rts_unwinder unwinder);

#endif
