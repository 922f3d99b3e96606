/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/judge.h"

#include "binary/object.h"

/* Is the frame in the function that begins at `start`, a link-time address? */
static bool is_in(const struct rts_frame *frame, uint64_t start)
{
    uint64_t begin, end;
    return frame->object && rts_object_fde_bounds(frame->object, frame->vaddr, &begin, &end) &&
           begin == start;
}

/* The frame from `from` on which the step's calls begin at; stack->count: none. */
static uint32_t find_step(const struct rts_stack *stack, uint32_t from, uint64_t start, bool gap)
{
    while (from < stack->count && !is_in(&stack->frames[from], start)) {
        if (!gap)
            return stack->count;
        from++;
    }
    return from;
}

const char *rts_selftest_judge(enum rts_form form, uint64_t bias, const struct rts_stack *stack)
{
    struct rts_form_step steps[RTS_FORM_STEPS_MAX];
    const size_t count = rts_form_stack(form, steps);
    uint32_t frame = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t start = (uint64_t)(uintptr_t)steps[i].function - bias;
        frame = find_step(stack, frame, start, steps[i].gap || i == 0);
        for (unsigned times = 0; times < steps[i].times; times++, frame++)
            if (frame >= stack->count || !is_in(&stack->frames[frame], start))
                return i == 0 ? "its innermost function is missing" : "a caller is missing";
    }
    if (stack->stop == RTS_STOP_COMPLETE ||
        (rts_form_leaves_stack(form) && stack->stop == RTS_STOP_ALT_STACK))
        return NULL;
    return "it does not end with the outermost frame";
}
