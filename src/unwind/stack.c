/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/stack.h"

void rts_stack_add(struct rts_stack *stack, const struct rts_code *code, uint64_t pc,
                   enum rts_unwinder unwinder)
{
    stack->kinds[stack->count] = (uint8_t)code->kind;
    stack->frames[stack->count++] = (struct rts_frame){
        .object = code->object,
        .vaddr = pc - code->bias,
        .load_base = code->load_base,
        .unwinder = (uint8_t)unwinder,
        .text = (uint8_t)code->text,
        .module = code->module,
    };
}
