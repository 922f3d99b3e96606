/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../suite.h"
#include "trace/order.h"

static void add(struct rts_trace_order *order, uint64_t time, uint64_t number)
{
    const struct rts_trace_item item = {.time = time, .number = number};
    rts_trace_order_add(order, &item);
}

static void times_ascend_and_equal_ones_keep_their_order(void **state)
{
    (void)state;
    struct rts_trace_order order = {0};
    struct rts_trace_item item, last = {0};
    uint32_t random = 1;
    for (uint64_t i = 1; i <= 3000; i++) {
        random = random * 1103515245 + 12345;
        add(&order, 1 + random / 65536 % 500, i);
    }
    assert_false(rts_trace_order_take(&order, false, &item)); /* no round has ended */
    for (size_t count = 0; count < 3000; count++) {
        assert_true(rts_trace_order_take(&order, true, &item));
        assert_true(item.time > last.time || (item.time == last.time && item.number > last.number));
        last = item;
    }
    assert_false(rts_trace_order_take(&order, true, &item));
    assert_int_equal(order.late, 0);
    rts_trace_order_finish(&order);
}

/* What a round ended with is due when the next has ended. */
static void rounds_make_due(void **state)
{
    (void)state;
    struct rts_trace_order order = {0};
    struct rts_trace_item item;
    add(&order, 10, 1);
    add(&order, 20, 2);
    rts_trace_order_end_round(&order);
    assert_false(rts_trace_order_take(&order, false, &item));
    add(&order, 15, 3);
    add(&order, 30, 4);
    rts_trace_order_end_round(&order);
    static const uint64_t due[] = {1, 3, 2};
    for (size_t i = 0; i < 3; i++) {
        assert_true(rts_trace_order_take(&order, false, &item));
        assert_int_equal(item.number, due[i]);
    }
    assert_false(rts_trace_order_take(&order, false, &item));
    add(&order, 5, 5); /* too late */
    assert_true(rts_trace_order_take(&order, true, &item));
    assert_int_equal(order.late, 1);
    rts_trace_order_finish(&order);
}

/* Beyond the limit the older half goes, and memory that is waited for is given back. */
static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct rts_trace_order order = {0};
    struct rts_trace_item item;
    for (uint64_t i = 1; i <= RTS_TRACE_WAITING_MAX; i++)
        add(&order, i, i);
    assert_false(rts_trace_order_take(&order, false, &item));
    add(&order, RTS_TRACE_WAITING_MAX + 1, 0);
    size_t taken = 0;
    while (rts_trace_order_take(&order, false, &item))
        taken++;
    assert_in_range(taken, RTS_TRACE_WAITING_MAX / 2 - 2, RTS_TRACE_WAITING_MAX / 2 + 2);
    rts_trace_order_finish(&order);

    struct rts_trace_item held = {.time = 1, .chunk = rts_trace_chunk_create(1000)};
    rts_trace_order_add(&order, &held);
    assert_true(order.bytes >= 1000);
    assert_true(rts_trace_order_take(&order, true, &item));
    assert_int_equal(order.bytes, 0);
    rts_trace_chunk_unref(item.chunk);
    rts_trace_order_finish(&order);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_ascend_and_equal_ones_keep_their_order),
        cmocka_unit_test(rounds_make_due),
        cmocka_unit_test(what_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
