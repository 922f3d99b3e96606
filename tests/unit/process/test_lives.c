/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../suite.h"
#include "process/lives.h"

#define SECOND_NS 1000000000ULL

static void expect_unseen(const struct rts_lives *lives, unsigned processes, unsigned threads)
{
    struct rts_lives_unseen unseen = rts_lives_unseen(lives);
    assert_int_equal(unseen.processes, processes);
    assert_int_equal(unseen.threads, threads);
}

static void settle_twice(struct rts_lives *lives)
{
    rts_lives_settle(lives, SECOND_NS);
    rts_lives_settle(lives, SECOND_NS);
}

/* A process is seen when any of its threads is; a thread, when it is itself. */
static void test_unseen(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    rts_lives_born(lives, 100, 100);
    rts_lives_born(lives, 100, 101);
    rts_lives_born(lives, 100, 102);
    rts_lives_born(lives, 200, 200);
    rts_lives_sampled(lives, 100, 101);
    for (int32_t tid = 100; tid < 103; tid++)
        rts_lives_ended(lives, 100, tid);
    rts_lives_ended(lives, 200, 200);
    rts_lives_ended(lives, 300, 300); /* ran before we looked */
    expect_unseen(lives, 0, 0);
    settle_twice(lives);
    expect_unseen(lives, 2, 1);
    settle_twice(lives);
    expect_unseen(lives, 2, 1);
    rts_lives_destroy(lives);
}

/* The last samples of one that ended may come with the next drain, and two events may tell of one
 * birth and one end. */
static void test_late_sample(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    rts_lives_born(lives, 100, 100);
    rts_lives_born(lives, 100, 100);
    rts_lives_ended(lives, 100, 100);
    rts_lives_settle(lives, SECOND_NS);
    rts_lives_ended(lives, 100, 100);
    rts_lives_sampled(lives, 100, 100);
    rts_lives_settle(lives, SECOND_NS);
    settle_twice(lives);
    expect_unseen(lives, 0, 0);
    rts_lives_destroy(lives);
}

static void test_pid_is_used_again(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    for (int i = 0; i < 3; i++) {
        rts_lives_born(lives, 100, 100);
        if (i == 1)
            rts_lives_sampled(lives, 100, 100);
        rts_lives_ended(lives, 100, 100);
    }
    settle_twice(lives);
    expect_unseen(lives, 2, 0);
    rts_lives_destroy(lives);
}

static void live(struct rts_lives *lives, int32_t pid, unsigned samples)
{
    rts_lives_born(lives, pid, pid);
    for (unsigned i = 0; i < samples; i++)
        rts_lives_sampled(lives, pid, pid);
    rts_lives_ended(lives, pid, pid);
}

/* Eight lives without a sample hide something, beside less than some eighty samples; with several
 * samples each they do not; and one by one they are no habit. */
static void test_hide_much(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    for (int32_t pid = 1; pid <= 7; pid++)
        live(lives, pid, 0);
    rts_lives_settle(lives, SECOND_NS);
    assert_false(rts_lives_hide_much(lives));
    live(lives, 8, 0);
    rts_lives_settle(lives, SECOND_NS);
    assert_true(rts_lives_hide_much(lives));
    for (int i = 0; i < 81; i++)
        rts_lives_sampled(lives, 99, 99);
    assert_false(rts_lives_hide_much(lives));
    rts_lives_destroy(lives);

    lives = rts_lives_create();
    for (int32_t pid = 1; pid <= 100; pid++)
        live(lives, pid, 5);
    settle_twice(lives);
    assert_false(rts_lives_hide_much(lives));
    rts_lives_destroy(lives);

    lives = rts_lives_create();
    for (int32_t pid = 1; pid <= 100; pid++) {
        live(lives, pid, 0);
        rts_lives_settle(lives, (uint64_t)pid * 61 * SECOND_NS);
        assert_false(rts_lives_hide_much(lives));
    }
    rts_lives_destroy(lives);
}

/* Threads that ran before we looked and end by the dozen, as a pool does, hide nothing. */
static void test_ends_of_old_threads(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    for (int32_t tid = 1; tid <= 100; tid++)
        rts_lives_ended(lives, 1, tid);
    settle_twice(lives);
    assert_false(rts_lives_hide_much(lives));
    expect_unseen(lives, 1, 99);
    rts_lives_destroy(lives);
}

/* More than are followed: they are left out, and memory does not grow. */
static void test_too_many(void **state)
{
    (void)state;
    struct rts_lives *lives = rts_lives_create();
    for (int32_t tid = 1; tid <= 70000; tid++)
        rts_lives_born(lives, tid, tid);
    for (int32_t tid = 1; tid <= 70000; tid++)
        rts_lives_ended(lives, tid, tid);
    settle_twice(lives);
    expect_unseen(lives, 65536, 0);
    rts_lives_destroy(lives);
    rts_lives_destroy(NULL);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unseen),
        cmocka_unit_test(test_late_sample),
        cmocka_unit_test(test_pid_is_used_again),
        cmocka_unit_test(test_hide_much),
        cmocka_unit_test(test_ends_of_old_threads),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
