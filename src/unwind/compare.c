/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind/compare.h"

static bool same_frame(const struct rts_frame *a, const struct rts_frame *b)
{
    return a->object == b->object && a->vaddr == b->vaddr && a->load_base == b->load_base;
}

struct rts_comparison rts_stack_compare(const struct rts_stack *rules,
                                        const struct rts_stack *other)
{
    uint32_t common = 1;
    while (common < rules->count && common < other->count &&
           same_frame(&rules->frames[common], &other->frames[common]))
        common++;
    struct rts_comparison found = {RTS_DIFFERENCE_NONE, common - 1};
    if (common < rules->count && common < other->count)
        found.difference = RTS_DIFFERENCE_CALLER;
    else if (common < other->count)
        found.difference = RTS_DIFFERENCE_RULES_END;
    else if (common < rules->count)
        found.difference = RTS_DIFFERENCE_LIBUNWIND_ENDS;
    else if ((rules->stop == RTS_STOP_COMPLETE) != (other->stop == RTS_STOP_COMPLETE))
        found.difference = RTS_DIFFERENCE_ROOT;
    return found;
}
