/* SPDX-License-Identifier: Apache-2.0 */
/* Two unwindings of one stack, and how they part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../suite.h"
#include "unwind/compare.h"

static void fill(struct rts_stack *stack, enum rts_stop stop, const uint64_t *places,
                 uint32_t count)
{
    *stack = (struct rts_stack){.stop = stop, .count = count};
    for (uint32_t i = 0; i < count; i++)
        stack->frames[i].vaddr = places[i];
}

static void assert_parts(enum rts_difference difference, uint32_t frame, const struct rts_stack *a,
                         const struct rts_stack *b)
{
    const struct rts_comparison found = rts_stack_compare(a, b);
    assert_int_equal(found.difference, difference);
    assert_int_equal(found.frame, frame);
}

static void tells_how_they_part(void **state)
{
    (void)state;
    static struct rts_stack whole, same, shorter, other, longer;
    fill(&whole, RTS_STOP_COMPLETE, (uint64_t[]){1, 2, 3}, 3);
    fill(&same, RTS_STOP_COMPLETE, (uint64_t[]){1, 2, 3}, 3);
    fill(&shorter, RTS_STOP_NO_CFI, (uint64_t[]){1, 2}, 2);
    fill(&other, RTS_STOP_COMPLETE, (uint64_t[]){1, 7, 3}, 3);
    fill(&longer, RTS_STOP_COMPLETE, (uint64_t[]){1, 2, 3, 4}, 4);
    assert_parts(RTS_DIFFERENCE_NONE, 2, &whole, &same);
    assert_parts(RTS_DIFFERENCE_RULES_END, 1, &shorter, &whole);
    assert_parts(RTS_DIFFERENCE_LIBUNWIND_ENDS, 1, &whole, &shorter);
    assert_parts(RTS_DIFFERENCE_CALLER, 0, &whole, &other);
    assert_parts(RTS_DIFFERENCE_RULES_END, 2, &whole, &longer);
    same.stop = RTS_STOP_NO_ROOT;
    assert_parts(RTS_DIFFERENCE_ROOT, 2, &whole, &same);
    assert_parts(RTS_DIFFERENCE_ROOT, 2, &same, &whole);
    /* Both end early, each for its own reason: they agree on what there is. */
    whole.stop = RTS_STOP_STACK_SHORT;
    assert_parts(RTS_DIFFERENCE_NONE, 2, &whole, &same);
}

static void has_a_word_for_each(void **state)
{
    (void)state;
    assert_string_equal(rts_difference_name(RTS_DIFFERENCE_CALLER), "caller");
    assert_string_equal(rts_difference_name(RTS_DIFFERENCE_COUNT), "unknown");
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_they_part),
        cmocka_unit_test(has_a_word_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
