/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "facts/budget.h"

static size_t sum(const struct rts_budget *budget)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        bytes += i == RTS_MEMORY_UNION ? 0 : budget->shares[i].limit;
    return bytes;
}

/* The shares are three quarters of the whole, and no more; that of a union bundle stands beside it.
 */
static void test_division(void **state)
{
    (void)state;
    static const uint64_t limits[] = {4 << 20, 64 << 20, 12345678, (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rts_budget budget;
        rts_budget_init(&budget, limits[i]);
        assert_true(sum(&budget) <= limits[i] / 4 * 3 + 3);
        assert_true(sum(&budget) + RTS_MEMORY_COUNT >= limits[i] / 4 * 3);
        assert_int_equal(budget.shares[RTS_MEMORY_UNION].limit, limits[i]);
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            assert_true(budget.shares[table].limit >= limits[i] / 50);
    }
}

static void test_none(void **state)
{
    (void)state;
    static const uint64_t limits[] = {0, UINT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        struct rts_budget budget;
        rts_budget_init(&budget, limits[i]);
        assert_int_equal(sum(&budget), 0);
        assert_false(rts_share_is_over(&budget.shares[RTS_MEMORY_OBJECTS]));
    }
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RTS_MEMORY_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(rts_memory_name(i), rts_memory_name(j));
    assert_string_equal(rts_memory_name(RTS_MEMORY_COUNT), "unknown");
}

/* Those with the most are told one by one, and none is lost. */
static void test_owners(void **state)
{
    (void)state;
    struct rts_memory_owners owners = {.count = 0};
    uint64_t sum = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct rts_memory_owner owner = {.evictions = {[RTS_MEMORY_SYMBOLS] = i * 7919 % 200}};
        snprintf(owner.digest, sizeof owner.digest, "%u", i * 7919 % 200);
        rts_memory_owners_add(&owners, &owner);
        sum += i;
    }
    assert_int_equal(owners.count, RTS_MEMORY_OWNERS_MAX);
    for (unsigned i = 0; i < RTS_MEMORY_OWNERS_MAX - 1; i++) {
        assert_int_equal(owners.items[i].evictions[RTS_MEMORY_SYMBOLS], 199 - i);
        assert_int_equal(atoi(owners.items[i].digest), 199 - i);
        sum -= 199 - i;
    }
    assert_string_equal(owners.items[RTS_MEMORY_OWNERS_MAX - 1].digest, "others");
    assert_int_equal(owners.items[RTS_MEMORY_OWNERS_MAX - 1].evictions[RTS_MEMORY_SYMBOLS], sum);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
