/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../suite.h"
#include "package/allowance.h"

#define SECOND 1000000000ULL

static bool has(struct rts_allowance *allowance, uint64_t uid, uint64_t now_s)
{
    bool first;
    const struct rts_payer payer = {.uid = uid};
    return rts_allowance_has(allowance, &payer, now_s * SECOND, &first);
}

static void pay(struct rts_allowance *allowance, uint64_t uid, uint64_t now_s, uint64_t taken_s)
{
    const struct rts_payer payer = {.uid = uid};
    rts_allowance_pay(allowance, &payer, now_s * SECOND, taken_s * SECOND);
}

static void who_has_taken_his_time_waits_and_nobody_else(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    assert_true(has(&allowance, 1, 1000));
    pay(&allowance, 1, 1006, 6);
    assert_false(has(&allowance, 1, 1007));
    assert_true(has(&allowance, 2, 1007));
    assert_false(has(&allowance, 1, 1019)); /* a twentieth of the time comes back */
    assert_true(has(&allowance, 1, 1040));
}

static void it_is_told_once_for_each(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    bool first;
    for (uint64_t uid = 1; uid <= 2; uid++) {
        const struct rts_payer payer = {.uid = uid};
        rts_allowance_pay(&allowance, &payer, SECOND, 6 * SECOND);
        assert_false(rts_allowance_has(&allowance, &payer, SECOND, &first));
        assert_true(first);
        assert_false(rts_allowance_has(&allowance, &payer, SECOND, &first));
        assert_false(first);
    }
}

static void the_host_pays_nothing(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    const struct rts_payer host = {.host = 1};
    bool first;
    for (int i = 0; i < 100; i++)
        rts_allowance_pay(&allowance, &host, SECOND, 60 * SECOND);
    assert_true(rts_allowance_has(&allowance, &host, SECOND, &first));
    assert_true(has(&allowance, 1, 1));
}

/* One who has a thousand ids has no thousand allowances, and the host goes on. */
static void many_ids_are_few_owners(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    uint64_t taken = 0;
    for (uint64_t uid = 1; uid <= 1000; uid++) {
        if (!has(&allowance, uid, 1000))
            continue;
        pay(&allowance, uid, 1000, 2);
        taken += 2;
    }
    assert_true(taken >= 14 && taken <= 18);
    assert_false(has(&allowance, 5000, 1001));
    assert_true(has(&allowance, 5000, 1030));
}

static void at_the_end_there_is_a_second_for_all(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    rts_allowance_hurry(&allowance);
    assert_true(has(&allowance, 1, 1000));
    pay(&allowance, 1, 1001, 1);
    assert_false(has(&allowance, 2, 1001));
    assert_false(has(&allowance, 2, 2000));
}

static void containers_are_told_apart(void **state)
{
    (void)state;
    struct rts_allowance allowance = {0};
    const struct rts_payer one = {.device = 1, .inode = 2}, other = {.device = 1, .inode = 3};
    bool first;
    rts_allowance_pay(&allowance, &one, SECOND, 6 * SECOND);
    assert_false(rts_allowance_has(&allowance, &one, SECOND, &first));
    assert_true(rts_allowance_has(&allowance, &other, SECOND, &first));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_taken_his_time_waits_and_nobody_else),
        cmocka_unit_test(it_is_told_once_for_each),
        cmocka_unit_test(the_host_pays_nothing),
        cmocka_unit_test(many_ids_are_few_owners),
        cmocka_unit_test(containers_are_told_apart),
        cmocka_unit_test(at_the_end_there_is_a_second_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
