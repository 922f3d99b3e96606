/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "guard/ratio.h"

/* How many of `count` samples of one instance are kept. */
static unsigned kept_of(struct rts_ratio *guard, uint64_t instance, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        kept += rts_ratio_admit(guard, instance);
    return kept;
}

static void one_and_none_keep_all(void **state)
{
    (void)state;
    for (uint32_t ratio = 0; ratio <= 1; ratio++) {
        struct rts_ratio *guard = rts_ratio_create(ratio);
        assert_int_equal(kept_of(guard, 7, 1000), 1000);
        rts_ratio_destroy(guard);
    }
    rts_ratio_destroy(NULL);
}

/* Any run of N samples of an instance has exactly one kept, whatever others do in between. */
static void every_nth_of_each(void **state)
{
    (void)state;
    enum {
        INSTANCES = 40,
        SAMPLES = 60000
    };
    static const uint32_t ratios[] = {2, 3, 7, 10, 100};
    for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
        struct rts_ratio *guard = rts_ratio_create(ratios[r]);
        uint32_t since[INSTANCES] = {0};
        bool any[INSTANCES] = {false};
        srand(4);
        for (int i = 0; i < SAMPLES; i++) {
            unsigned instance = (unsigned)rand() % INSTANCES;
            since[instance]++;
            if (rts_ratio_admit(guard, instance)) {
                if (any[instance])
                    assert_int_equal(since[instance], ratios[r]);
                any[instance] = true;
                since[instance] = 0;
            }
            assert_true(since[instance] < ratios[r]);
        }
        rts_ratio_destroy(guard);
    }
}

static void short_lived_instances_count_as_well(void **state)
{
    (void)state;
    struct rts_ratio *guard = rts_ratio_create(10);
    unsigned kept = 0;
    for (uint64_t instance = 1; instance <= 5000; instance++)
        kept += rts_ratio_admit(guard, instance);
    assert_int_equal(kept, 500);
    rts_ratio_destroy(guard);
}

static void the_largest_ratio(void **state)
{
    (void)state;
    struct rts_ratio *guard = rts_ratio_create(UINT32_MAX);
    assert_int_equal(kept_of(guard, UINT32_MAX - 3ULL, 3), 1);
    assert_int_equal(kept_of(guard, 1, 100000), 0);
    rts_ratio_destroy(guard);
}

/* An instance that is seen now and then keeps its count while hundreds of thousands come and go. */
static void who_stays_is_not_forgotten(void **state)
{
    (void)state;
    enum {
        RATIO = 5
    };
    struct rts_ratio *guard = rts_ratio_create(RATIO);
    unsigned kept = 0, seen = 0;
    for (uint64_t instance = 100; instance < 400100; instance++) {
        rts_ratio_admit(guard, instance);
        if (instance % 20000 == 0) {
            seen++;
            kept += rts_ratio_admit(guard, 0);
            assert_int_equal(kept, seen / RATIO);
        }
    }
    assert_int_equal(seen, 20);
    rts_ratio_destroy(guard);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_and_none_keep_all),
        cmocka_unit_test(every_nth_of_each),
        cmocka_unit_test(short_lived_instances_count_as_well),
        cmocka_unit_test(the_largest_ratio),
        cmocka_unit_test(who_stays_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
