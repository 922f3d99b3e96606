/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "process/maps_allowance.h"

#define ALL      RTS_MAPS_ALLOWANCE_LINES
#define EACH     RTS_MAPS_ALLOWANCE_EACH_NS
#define PER_READ RTS_MAPS_ALLOWANCE_PER_READ

/* One uses up what he has, waits for as long as that took, and nobody else does. */
static void test_one_waits(void **state)
{
    (void)state;
    struct rts_maps_allowance allowance = {.short_until_ns = 0};
    const uint64_t now = 1000000000;
    unsigned reads = 0;
    while (rts_maps_allowance_has(&allowance, 3, now)) {
        rts_maps_allowance_pay(&allowance, 3, now, 65530);
        reads++;
    }
    assert_int_equal(reads, ALL / (65530 + PER_READ) + 1);
    assert_int_equal(allowance.put_off[3], 1);
    assert_true(rts_maps_allowance_is_short(&allowance, now));
    for (unsigned owner = 0; owner < RTS_OWNERS_MAX; owner++)
        assert_int_equal(rts_maps_allowance_has(&allowance, owner, now), owner != 3);
    assert_int_equal(allowance.put_off[3], 2);
    assert_int_equal(allowance.put_off[4], 0);
    /* It has some again as soon as nobody is short of it, and not before. */
    uint64_t until = allowance.short_until_ns;
    assert_false(rts_maps_allowance_has(&allowance, 3, until - EACH - 1));
    assert_true(rts_maps_allowance_has(&allowance, 3, until));
    assert_false(rts_maps_allowance_is_short(&allowance, until));
    assert_int_equal(until - now, (reads * (65530 + PER_READ) - ALL + 1) * (uint64_t)EACH);
}

/* In the long run an owner has one line in so long, however it asks; and none is saved up. */
static void test_in_the_long_run(void **state)
{
    (void)state;
    struct rts_maps_allowance allowance = {.short_until_ns = 0};
    const uint64_t seconds = 60, tick = 100000000;
    uint64_t lines = 0, start = 3600 * UINT64_C(1000000000);
    for (uint64_t now = start; now < start + seconds * 1000000000; now += tick)
        for (int i = 0; i < 50; i++)
            if (rts_maps_allowance_has(&allowance, 3, now)) {
                rts_maps_allowance_pay(&allowance, 3, now, 10000);
                lines += 10000 + PER_READ;
            }
    assert_in_range(lines, seconds * 1000000000 / EACH, ALL + seconds * 1000000000 / EACH + 20000);
}

/* A clock that goes back gives nothing; owners beyond the last are one. */
static void test_odd_ones(void **state)
{
    (void)state;
    struct rts_maps_allowance allowance = {.short_until_ns = 0};
    rts_maps_allowance_pay(&allowance, 5000, 100, UINT32_MAX);
    assert_false(rts_maps_allowance_has(&allowance, RTS_OWNER_OTHER, 100));
    assert_false(rts_maps_allowance_has(&allowance, 5000, 0));
    assert_int_equal(allowance.put_off[RTS_OWNER_OTHER], 2);
    assert_true(rts_maps_allowance_has(&allowance, 5000, UINT64_MAX));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_waits),
        cmocka_unit_test(test_in_the_long_run),
        cmocka_unit_test(test_odd_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
