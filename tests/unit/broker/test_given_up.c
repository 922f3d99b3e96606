/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../suite.h"
#include "broker/given_up.h"

#define SECOND UINT64_C(1000000000)

static const uint32_t alice = 1000, bob = 1001, root = 0;

static void test_process(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    assert_false(rts_given_up_has(&given, 10));
    assert_false(rts_given_up_add(&given, 10, &alice, 0));
    assert_true(rts_given_up_has(&given, 10));
    assert_false(rts_given_up_has(&given, 11));
    rts_given_up_forget(&given, 11);
    rts_given_up_forget(&given, 10);
    assert_false(rts_given_up_has(&given, 10));
    /* Nobody's business: nothing to remember. */
    rts_given_up_add(&given, 0, NULL, 0);
    assert_false(rts_given_up_has(&given, 0));
    assert_int_equal(given.late, 2);
    rts_given_up_finish(&given);
}

/* The third time he is given up for a minute, then for two, and others never. */
static void test_owner(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    uint64_t now = 100 * SECOND;
    assert_false(rts_given_up_add(&given, 1, &alice, now));
    assert_false(rts_given_up_add(&given, 2, &bob, now));
    assert_false(rts_given_up_add(&given, 3, &alice, now));
    assert_false(rts_given_up_add(&given, 4, NULL, now));
    assert_false(rts_given_up_has_owners(&given, now));
    assert_true(rts_given_up_add(&given, 5, &alice, now));
    assert_true(rts_given_up_has_owners(&given, now));
    assert_true(rts_given_up_owner(&given, alice, now));
    assert_false(rts_given_up_owner(&given, bob, now));
    assert_true(rts_given_up_owner(&given, alice, now + 60 * SECOND - 1));
    now += 60 * SECOND;
    assert_false(rts_given_up_owner(&given, alice, now));
    assert_false(rts_given_up_has_owners(&given, now));
    for (int pid = 6; pid < 9; pid++)
        assert_int_equal(rts_given_up_add(&given, pid, &alice, now), pid == 8);
    assert_true(rts_given_up_owner(&given, alice, now + 120 * SECOND - 1));
    assert_false(rts_given_up_owner(&given, alice, now + 120 * SECOND));
    rts_given_up_finish(&given);
}

/* However often: an hour, and never for ever. */
static void test_no_longer_than(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    for (int i = 0; i < 300; i++)
        rts_given_up_add(&given, i + 1, &alice, 0);
    assert_true(rts_given_up_owner(&given, alice, 3600 * SECOND - 1));
    assert_false(rts_given_up_owner(&given, alice, 3600 * SECOND));
    rts_given_up_finish(&given);
}

static void test_root(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    for (int i = 0; i < 30; i++)
        assert_false(rts_given_up_add(&given, i + 1, &root, 0));
    assert_true(rts_given_up_has(&given, 30));
    assert_false(rts_given_up_has_owners(&given, 0));
    rts_given_up_finish(&given);
}

static void test_patience(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    uint64_t first = rts_given_up_patience(&given);
    for (int i = 0; i < 7; i++)
        rts_given_up_add(&given, i + 1, NULL, 0);
    assert_int_equal(rts_given_up_patience(&given), first);
    rts_given_up_add(&given, 8, NULL, 0);
    assert_in_range(rts_given_up_patience(&given), SECOND / 100, first / 2);
    rts_given_up_finish(&given);
}

/* So much at once, then a part of the time; each for himself, and root without an end. */
static void test_pay(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    uint64_t now = 100 * SECOND;
    assert_false(rts_given_up_pay(&given, alice, now, 3 * SECOND));
    assert_true(rts_given_up_pay(&given, alice, now, 1));
    assert_false(rts_given_up_pay(&given, bob, now, 3 * SECOND));
    assert_false(rts_given_up_pay(&given, root, now, 3000 * SECOND));
    assert_false(rts_given_up_pay(&given, alice, now + 20 * SECOND + 20, SECOND));
    assert_true(rts_given_up_pay(&given, alice, now + 21 * SECOND, SECOND));
    /* Whoever waits for long has no more than at first. */
    assert_false(rts_given_up_pay(&given, alice, now + 9000 * SECOND, 3 * SECOND));
    assert_true(rts_given_up_pay(&given, alice, now + 9000 * SECOND, 1));
    assert_false(rts_given_up_has_owners(&given, now));
    rts_given_up_finish(&given);
}

/* As many as there are process ids, and more users than there can be: memory has an end. */
static void test_bounds(void **state)
{
    (void)state;
    struct rts_given_up given = {0};
    for (uint32_t i = 1; i <= 140000; i++)
        rts_given_up_add(&given, (int32_t)i, &i, 0);
    assert_in_range(given.processes.count, 1, 65536);
    assert_in_range(given.owners.count, 1, 65536);
    assert_true(rts_given_up_has(&given, 140000));
    rts_given_up_finish(&given);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process),        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_no_longer_than), cmocka_unit_test(test_root),
        cmocka_unit_test(test_patience),       cmocka_unit_test(test_pay),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
