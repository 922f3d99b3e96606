/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "util/memory.h"

static struct rts_batch *make_batch(uint64_t sequence, uint32_t events, size_t size)
{
    struct rts_batch *batch = rts_calloc(1, sizeof *batch);
    batch->id.sequence = sequence;
    batch->events = events;
    for (size_t i = 0; i < size; i++)
        rts_buffer_append(&batch->body, "x", 1);
    batch->envelope = rts_strdup("");
    return batch;
}

static struct rts_delivery_counts counts_of(struct rts_delivery_ledger *ledger)
{
    struct rts_delivery_counts counts;
    rts_delivery_ledger_counts(ledger, &counts);
    return counts;
}

static struct rts_delivery_state state_of(struct rts_delivery_ledger *ledger)
{
    struct rts_delivery_state state;
    rts_delivery_ledger_state(ledger, &state);
    return state;
}

static void the_oldest_go_and_are_counted(void **state)
{
    (void)state;
    struct rts_delivery_ledger ledger;
    rts_delivery_ledger_init(&ledger, 0);
    assert_false(rts_delivery_ledger_submit(&ledger, make_batch(1, 3, 600), 4096));
    assert_true(rts_delivery_ledger_submit(&ledger, make_batch(2, 5, 4000), 4096));
    assert_false(rts_delivery_ledger_submit(&ledger, make_batch(3, 7, 4000), 4096)); /* was said */
    struct rts_delivery_counts counts = counts_of(&ledger);
    assert_int_equal(counts.own.submitted, 15);
    assert_int_equal(counts.own.dropped, 8);
    assert_int_equal(counts.batches, 3);
    struct rts_batch *left = rts_delivery_ledger_take_first(&ledger);
    assert_int_equal(left->id.sequence, 3);
    rts_batch_destroy(left);
    rts_delivery_ledger_finish(&ledger);
}

static void the_older_of_memory_and_spool_is_sent(void **state)
{
    (void)state;
    struct rts_delivery_ledger ledger;
    rts_delivery_ledger_init(&ledger, 1);
    assert_false(state_of(&ledger).idle);
    rts_delivery_ledger_submit(&ledger, make_batch(5, 1, 10), 4096);
    const struct rts_batch_id older = {.sequence = 4}, younger = {.sequence = 6};
    assert_null(rts_delivery_ledger_choose(&ledger, 0, NULL, &older));
    struct rts_batch *batch = rts_delivery_ledger_choose(&ledger, 0, NULL, &younger);
    assert_non_null(batch);
    assert_int_equal(rts_delivery_ledger_look(&ledger).in_memory, 0);
    rts_delivery_ledger_put_back(&ledger, batch);

    rts_delivery_ledger_defer(&ledger, &batch->id, 100);
    assert_null(rts_delivery_ledger_choose(&ledger, 99, NULL, NULL));
    assert_null(rts_delivery_ledger_choose(&ledger, 100, &batch->id, NULL));
    assert_ptr_equal(rts_delivery_ledger_choose(&ledger, 100, NULL, NULL), batch);
    rts_batch_destroy(batch);
    rts_delivery_ledger_finish(&ledger);
}

static void answers_are_counted_by_whose_the_batch_is(void **state)
{
    (void)state;
    struct rts_delivery_ledger ledger;
    struct rts_batch *own = make_batch(1, 2, 1), *earlier = make_batch(2, 30, 1);
    earlier->earlier = true;
    rts_delivery_ledger_init(&ledger, 0);
    assert_null(rts_delivery_ledger_subject_key(&ledger));
    rts_delivery_ledger_count_accepted(&ledger, own, rts_strdup("first"));
    rts_delivery_ledger_count_accepted(&ledger, earlier, rts_strdup("second"));
    rts_delivery_ledger_count_accepted(&ledger, own, NULL);
    rts_delivery_ledger_count_rejected(&ledger, earlier);
    const struct rts_spool_loss loss = {.own = 100, .earlier = 1000};
    assert_true(rts_delivery_ledger_count_loss(&ledger, &loss, NULL));
    assert_false(rts_delivery_ledger_count_loss(&ledger, &loss, NULL));
    const struct rts_delivery_counts counts = counts_of(&ledger);
    assert_int_equal(counts.own.accepted, 4);
    assert_int_equal(counts.own.rejected, 0);
    assert_int_equal(counts.own.dropped, 200);
    assert_int_equal(counts.earlier.accepted, 30);
    assert_int_equal(counts.earlier.rejected, 30);
    assert_int_equal(counts.earlier.dropped, 2000);
    char *key = rts_delivery_ledger_subject_key(&ledger);
    assert_string_equal(key, "second");
    free(key);
    rts_batch_destroy(own);
    rts_batch_destroy(earlier);
    rts_delivery_ledger_finish(&ledger);
}

static void how_things_stand(void **state)
{
    (void)state;
    struct rts_delivery_ledger ledger;
    rts_delivery_ledger_init(&ledger, 0);
    assert_true(state_of(&ledger).idle);
    rts_delivery_ledger_submit(&ledger, make_batch(1, 1, 1), 4096);
    assert_false(state_of(&ledger).idle);
    struct rts_batch *batch = rts_delivery_ledger_take_first(&ledger);
    assert_false(state_of(&ledger).idle); /* on its way */
    rts_delivery_ledger_put_back(&ledger, batch);
    rts_delivery_ledger_set_put_aside(&ledger);
    assert_true(state_of(&ledger).put_aside);

    rts_delivery_ledger_failed(&ledger, "why", true);
    rts_delivery_ledger_failed(&ledger, "why not", false);
    const struct rts_delivery_state now = state_of(&ledger);
    assert_int_equal(now.failures, 2);
    assert_false(now.needs_help);
    assert_string_equal(now.text, "why not");
    rts_delivery_ledger_succeeded(&ledger);
    assert_int_equal(rts_delivery_ledger_look(&ledger).failures, 0);
    rts_delivery_ledger_finish(&ledger);
}

static void an_end_in_time_and_one_that_is_not(void **state)
{
    (void)state;
    struct rts_delivery_ledger ledger;
    rts_delivery_ledger_init(&ledger, 0);
    rts_delivery_ledger_stop(&ledger, 7);
    struct rts_delivery_view view = rts_delivery_ledger_look(&ledger);
    assert_true(view.stop && view.deadline_ns == 7 && !view.abandoned);
    assert_false(rts_delivery_ledger_await_settled(&ledger, 0)); /* the time is over */
    assert_true(rts_delivery_ledger_look(&ledger).abandoned);
    rts_delivery_ledger_set_settled(&ledger);
    assert_true(rts_delivery_ledger_await_settled(&ledger, 0));
    assert_false(rts_delivery_ledger_await_exited(&ledger, 0));
    rts_delivery_ledger_set_exited(&ledger);
    assert_true(rts_delivery_ledger_await_exited(&ledger, 0));
    rts_delivery_ledger_finish(&ledger);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go_and_are_counted),
        cmocka_unit_test(the_older_of_memory_and_spool_is_sent),
        cmocka_unit_test(answers_are_counted_by_whose_the_batch_is),
        cmocka_unit_test(how_things_stand),
        cmocka_unit_test(an_end_in_time_and_one_that_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
