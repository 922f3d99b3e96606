/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "guard/guard.h"

#define SECOND_NS 1000000000ULL

static struct rts_guard *guard_with(uint32_t ratio, uint32_t per_second, uint32_t percent)
{
    const struct rts_guard_options options = {
        .ratio = ratio,
        .max_events_per_second = per_second,
        .max_cpu_percent = percent,
        .frequency = 1000,
    };
    return rts_guard_create(&options);
}

/* Uses up all of a processor on samples for two seconds, whatever frequency is asked for. */
static const struct rts_cpu_guard *exhaust(struct rts_guard *guard, uint64_t from_ns)
{
    const struct rts_cpu_guard *cpu = NULL;
    uint32_t lowest = 1000;
    for (uint64_t i = 0; i < 200; i++) {
        const struct rts_cpu_reading reading = {
            .now_ns = from_ns + i * 10000000,
            .cpu_ns = i * 10000000,
            .sampling = true,
            .frequency = 1000,
        };
        cpu = rts_guard_update(guard, &reading);
        lowest = cpu->frequency < lowest ? cpu->frequency : lowest;
    }
    assert_int_equal(lowest < 1000, cpu->shedding);
    return cpu;
}

struct counts {
    unsigned kept, dropped[RTS_DROP_COUNT];
};

static struct counts admit(struct rts_guard *guard, unsigned samples, uint64_t apart_ns)
{
    struct counts counts = {0};
    for (unsigned i = 0; i < samples; i++) {
        int reason = rts_guard_admit(guard, 1, 5 * SECOND_NS + i * apart_ns);
        assert_in_range(reason + 1, 0, RTS_DROP_COUNT);
        if (reason < 0)
            counts.kept++;
        else
            counts.dropped[reason]++;
    }
    return counts;
}

static void without_limits_all_is_kept(void **state)
{
    (void)state;
    struct rts_guard *guard = guard_with(1, 0, 0);
    exhaust(guard, SECOND_NS);
    assert_int_equal(admit(guard, 10000, 0).kept, 10000);
    rts_guard_destroy(guard);
    rts_guard_destroy(NULL);
}

/* Each limit alone has its reason, and all that is asked about is kept or has one. */
static void each_limit_has_its_reason(void **state)
{
    (void)state;
    struct rts_guard *guard = guard_with(4, 0, 0);
    struct counts counts = admit(guard, 1000, 1000);
    assert_int_equal(counts.kept, 250);
    assert_int_equal(counts.dropped[RTS_DROP_RATIO], 750);
    rts_guard_destroy(guard);

    guard = guard_with(1, 100, 0);
    counts = admit(guard, 10000, SECOND_NS / 10000);
    assert_in_range(counts.kept, 80, 100);
    assert_int_equal(counts.kept + counts.dropped[RTS_DROP_RATE_LIMIT], 10000);
    rts_guard_destroy(guard);

    guard = guard_with(1, 0, 35);
    assert_int_equal(admit(guard, 100, 1000).kept, 100);
    assert_true(exhaust(guard, SECOND_NS)->shedding);
    counts = admit(guard, 100, 1000);
    assert_int_equal(counts.kept, 0);
    assert_int_equal(counts.dropped[RTS_DROP_CPU_GUARD], 100);
    rts_guard_destroy(guard);
}

/* With all of them, a sample is dropped for the first that says no. */
static void the_first_reason_counts(void **state)
{
    (void)state;
    struct rts_guard *guard = guard_with(2, 100, 35);
    exhaust(guard, SECOND_NS);
    struct counts counts = admit(guard, 10000, SECOND_NS / 10000);
    assert_int_equal(counts.kept, 0);
    assert_int_equal(counts.dropped[RTS_DROP_RATIO], 5000);
    assert_in_range(counts.dropped[RTS_DROP_CPU_GUARD], 80, 100);
    assert_int_equal(counts.dropped[RTS_DROP_CPU_GUARD] + counts.dropped[RTS_DROP_RATE_LIMIT],
                     5000);
    rts_guard_destroy(guard);
}

static void what_the_cpu_guard_wants_is_passed_on(void **state)
{
    (void)state;
    struct rts_guard *guard = guard_with(1, 500, 35);
    assert_false(rts_guard_has_news(guard, SECOND_NS));
    const struct rts_cpu_guard *cpu = exhaust(guard, SECOND_NS);
    assert_int_equal(cpu->state, RTS_CPU_SHEDDING);
    assert_true(rts_guard_has_news(guard, 3 * SECOND_NS));
    assert_false(rts_guard_has_news(guard, 3 * SECOND_NS));
    rts_guard_destroy(guard);
}

static void a_frequency_that_fits(void **state)
{
    (void)state;
    static const struct {
        uint32_t frequency;
        unsigned cpus;
        uint32_t limit, ratio, fitting;
    } known[] = {
        {99, 2, 500, 1, 99},     {99, 5, 500, 1, 99},
        {100, 5, 500, 0, 100},   {99, 6, 500, 1, 83},
        {99, 6, 500, 2, 99},     {99, 64, 500, 1, 7},
        {99, 64, 500, 10, 78},   {99, 500, 500, 1, 1},
        {99, 4096, 500, 1, 1},   {10000, 2, 500, 1, 250},
        {10000, 2, 0, 1, 10000}, {4000000000, 64, 1, 1, 1},
        {99, 0, 500, 1, 99},     {99, 64, 4000000000, 4000000000, 99},
        {1, 4096, 500, 1, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct rts_guard_options options = {
            .frequency = known[i].frequency,
            .max_events_per_second = known[i].limit,
            .ratio = known[i].ratio,
        };
        assert_int_equal(rts_guard_fitting_frequency(&options, known[i].cpus), known[i].fitting);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_all_is_kept),
        cmocka_unit_test(each_limit_has_its_reason),
        cmocka_unit_test(the_first_reason_counts),
        cmocka_unit_test(what_the_cpu_guard_wants_is_passed_on),
        cmocka_unit_test(a_frequency_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
