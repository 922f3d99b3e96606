/* SPDX-License-Identifier: Apache-2.0 */
/* Two unwindings of one stack, compared: up to which frame they are the same, and how they part. */
#ifndef RTS_UNWIND_COMPARE_H
#define RTS_UNWIND_COMPARE_H

#include "unwind/stack.h"

struct rts_comparison {
    enum rts_difference difference;
    uint32_t frame; /* the last one that both have, counted from the leaf, which both always have:
                       what is said of its caller differs */
};

/* `rules` and `other` are of the same registers and memory. */
struct rts_comparison rts_stack_compare(const struct rts_stack *rules,
                                        const struct rts_stack *other);

#endif
