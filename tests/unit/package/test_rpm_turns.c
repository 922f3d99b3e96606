/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../suite.h"
#include "package/rpm_turns.h"

#define SECOND 1000000000ULL

static struct rts_payer user(uint64_t uid)
{
    return (struct rts_payer){.uid = uid};
}

static bool may(struct rts_rpm_turns *turns, uint64_t uid, uint64_t now_s)
{
    const struct rts_payer payer = user(uid);
    return rts_rpm_turns_may(turns, &payer, now_s * SECOND);
}

static void begin(struct rts_rpm_turns *turns, uint64_t uid)
{
    const struct rts_payer payer = user(uid);
    rts_rpm_turns_begin(turns, &payer);
}

static void end(struct rts_rpm_turns *turns, uint64_t uid, uint64_t now_s, uint64_t taken_s)
{
    const struct rts_payer payer = user(uid);
    rts_rpm_turns_end(turns, &payer, now_s * SECOND, taken_s * SECOND);
}

static uint64_t late(struct rts_rpm_turns *turns, uint64_t uid, uint64_t now_s)
{
    const struct rts_payer payer = user(uid);
    return rts_rpm_turns_late(turns, &payer, now_s * SECOND) / SECOND;
}

static void each_owner_has_few_at_a_time(void **state)
{
    (void)state;
    struct rts_rpm_turns turns = {0};
    for (int i = 0; i < RTS_RPM_TURNS_OWNER; i++) {
        assert_true(may(&turns, 1, 1000));
        begin(&turns, 1);
    }
    assert_false(may(&turns, 1, 1000));
    assert_true(may(&turns, 2, 1000));
    end(&turns, 1, 1001, 1);
    assert_true(may(&turns, 1, 1001));
}

static void the_host_never_waits_for_others(void **state)
{
    (void)state;
    struct rts_rpm_turns turns = {0};
    const struct rts_payer host = {.host = 1};
    for (uint64_t uid = 1; uid <= RTS_RPM_TURNS; uid++) {
        assert_true(may(&turns, uid, 1000));
        begin(&turns, uid);
    }
    assert_false(may(&turns, 99, 1000));
    assert_true(rts_rpm_turns_may(&turns, &host, 1000 * SECOND));
    rts_rpm_turns_begin(&turns, &host);
    rts_rpm_turns_end(&turns, &host, 1020 * SECOND, 20 * SECOND);
    assert_true(rts_rpm_turns_may(&turns, &host, 1020 * SECOND));
    assert_false(may(&turns, 99, 1020));
    end(&turns, 2, 1021, 1);
    assert_true(may(&turns, 99, 1021));
}

static void who_is_late_waits_longer_each_time_and_nobody_else(void **state)
{
    (void)state;
    struct rts_rpm_turns turns = {0};
    assert_int_equal(late(&turns, 1, 1000), 15);
    assert_false(may(&turns, 1, 1014));
    assert_true(may(&turns, 2, 1001));
    assert_true(may(&turns, 1, 1015));
    assert_int_equal(late(&turns, 1, 1020), 30);
    assert_int_equal(late(&turns, 2, 1020), 15);
    assert_false(may(&turns, 1, 1049));
    assert_true(may(&turns, 1, 1050));
    uint64_t pause = 0;
    for (int i = 0; i < 100; i++)
        pause = late(&turns, 1, 2000);
    assert_int_equal(pause, 3600);
}

/* Lists that are quick enough, one after the other, are made for a twentieth of the time. */
static void time_of_lists_is_bounded_by_owner(void **state)
{
    (void)state;
    struct rts_rpm_turns turns = {0};
    unsigned taken = 0;
    for (uint64_t now = 1000; now < 4600; now += 3) {
        if (!may(&turns, 1, now))
            continue;
        begin(&turns, 1);
        end(&turns, 1, now + 3, 3);
        taken += 3;
        assert_true(may(&turns, 2, now + 3)); /* it is nobody else's time */
    }
    assert_in_range(taken, 170, 200);
}

/* However many owners are late, one of before is forgotten only for a later one. */
static void so_many_are_remembered(void **state)
{
    (void)state;
    struct rts_rpm_turns turns = {0};
    for (uint64_t uid = 1; uid <= RTS_RPM_LATE_OWNERS; uid++)
        late(&turns, uid, 1000 + uid);
    late(&turns, 5000, 1300);
    assert_true(may(&turns, 1, 1001)); /* forgotten, the one whose time was over first */
    assert_false(may(&turns, 2, 1003));
    assert_false(may(&turns, 5000, 1301));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_owner_has_few_at_a_time),
        cmocka_unit_test(the_host_never_waits_for_others),
        cmocka_unit_test(who_is_late_waits_longer_each_time_and_nobody_else),
        cmocka_unit_test(time_of_lists_is_bounded_by_owner),
        cmocka_unit_test(so_many_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
