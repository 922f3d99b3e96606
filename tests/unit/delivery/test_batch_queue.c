/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/batch_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"

static struct rts_batch *make_batch(uint64_t sequence)
{
    static const struct rts_batch_form form = {"path: /x\nquery: \n", NULL};
    size_t position = 0;
    return rts_batch_cut(&form, "a\n", 2, &position, 1, sequence);
}

static void put_all(struct rts_batch_queue *queue, const uint64_t *sequences, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rts_batch_queue_put(queue, make_batch(sequences[i]));
}

static void keeps_the_order(void **state)
{
    (void)state;
    static const uint64_t sequences[] = {5, 7, 6, 1, 9, 2};
    static const uint64_t sorted[] = {1, 2, 5, 6, 7, 9};
    struct rts_batch_queue queue = {0};
    put_all(&queue, sequences, 6);
    for (size_t i = 0; i < 6; i++) {
        struct rts_batch *batch = rts_batch_queue_peek(&queue, 0, NULL);
        assert_int_equal(batch->id.sequence, sorted[i]);
        rts_batch_queue_take(&queue, batch);
        rts_batch_destroy(batch);
    }
    assert_null(rts_batch_queue_peek(&queue, 0, NULL));
    assert_null(queue.first);
    assert_null(queue.last);
    assert_int_equal(queue.bytes, 0);
    put_all(&queue, sequences, 2);
    assert_int_equal(queue.count, 2);
    rts_batch_queue_finish(&queue);
}

static void takes_from_the_middle_and_the_end(void **state)
{
    (void)state;
    static const uint64_t sequences[] = {1, 2, 3};
    struct rts_batch_queue queue = {0};
    put_all(&queue, sequences, 3);
    struct rts_batch *last = queue.last, *middle = queue.first->next;
    rts_batch_queue_take(&queue, last);
    assert_ptr_equal(queue.last, middle);
    rts_batch_queue_take(&queue, middle);
    assert_ptr_equal(queue.last, queue.first);
    rts_batch_queue_put(&queue, last);
    assert_ptr_equal(queue.last, last);
    rts_batch_destroy(middle);
    rts_batch_queue_finish(&queue);
}

static void deferred_and_skipped(void **state)
{
    (void)state;
    static const uint64_t sequences[] = {1, 2};
    struct rts_batch_queue queue = {0};
    put_all(&queue, sequences, 2);
    queue.first->deferred_until_ns = 100;
    assert_int_equal(rts_batch_queue_peek(&queue, 99, NULL)->id.sequence, 2);
    assert_int_equal(rts_batch_queue_peek(&queue, 100, NULL)->id.sequence, 1);
    assert_int_equal(rts_batch_queue_peek(&queue, 100, &queue.first->id)->id.sequence, 2);
    assert_null(rts_batch_queue_peek(&queue, 99, &queue.last->id));
    rts_batch_queue_finish(&queue);
}

static void overflow_gives_up_the_oldest(void **state)
{
    (void)state;
    static const uint64_t sequences[] = {1, 2, 3};
    struct rts_batch_queue queue = {0};
    put_all(&queue, sequences, 3);
    uint64_t one = queue.bytes / 3;
    assert_null(rts_batch_queue_overflow(&queue, 3 * one));
    for (uint64_t i = 1; i <= 2; i++) {
        struct rts_batch *oldest = rts_batch_queue_overflow(&queue, one / 2);
        assert_int_equal(oldest->id.sequence, i);
        rts_batch_destroy(oldest);
    }
    assert_null(rts_batch_queue_overflow(&queue, one / 2)); /* the last one stays */
    assert_int_equal(queue.bytes, one);
    rts_batch_queue_finish(&queue);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order),
        cmocka_unit_test(takes_from_the_middle_and_the_end),
        cmocka_unit_test(deferred_and_skipped),
        cmocka_unit_test(overflow_gives_up_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
