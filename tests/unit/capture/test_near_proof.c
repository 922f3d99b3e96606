/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/near_proof.h"

#include "../suite.h"

#define US 1000u
#define T  ((uint64_t)1000000000)

enum {
    OUT,
    IN
};

struct told {
    unsigned cpu;
    int32_t tid;
    uint64_t time;
    int in;
    uint64_t registers;
};

static void add(struct rts_near_switches *switches, unsigned cpu, int32_t tid, uint64_t time,
                bool in)
{
    const struct rts_near_switch one = {.time = time, .tid = tid, .in = in};
    rts_near_switches_add(switches, cpu, &one);
}

static bool is_frozen(const struct rts_near_switches *switches, unsigned cpu, int32_t tid,
                      uint64_t sample, uint64_t begin, uint64_t end)
{
    const struct rts_near_moment moment = {
        .cpu = cpu,
        .tid = tid,
        .sample_ns = sample,
        .begin_ns = begin,
        .end_ns = end,
        .registers = 99,
    };
    return rts_near_is_frozen(switches, &moment);
}

/* Is the sample of thread 7 on CPU 1 at T frozen, when memory was read from T + 40 to T + 60 us and
 * the kernel tells these? */
static bool frozen(const struct told *told, size_t count)
{
    struct rts_near_switches switches;
    rts_near_switches_init(&switches, 3);
    for (size_t i = 0; i < count; i++)
        rts_near_switches_add(&switches, told[i].cpu,
                              &(const struct rts_near_switch){told[i].time, told[i].tid,
                                                              told[i].in == IN, told[i].registers});
    bool result = is_frozen(&switches, 1, 7, T, T + 40 * US, T + 60 * US);
    rts_near_switches_finish(&switches);
    return result;
}

#define FROZEN(...)                                                                                \
    frozen((const struct told[]){__VA_ARGS__},                                                     \
           sizeof((const struct told[]){__VA_ARGS__}) / sizeof(struct told))

static void test_rule(void **state)
{
    (void)state;
    assert_false(frozen(NULL, 0)); /* nothing is told: nothing is proven */
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 0}));
    assert_true(FROZEN({1, 7, T - 90 * US, IN, 0}, {1, 7, T + 30 * US, OUT, 0}));
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 0}, {1, 7, T + 61 * US, IN, 0}));
    /* Twice told, as of a thread that was opened and has inherited as well. */
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 0}, {1, 7, T + 30 * US + 1, OUT, 0}));
    /* Another thread, another CPU, before the sample, after the reading began. */
    assert_false(FROZEN({1, 8, T + 30 * US, OUT, 0}));
    assert_false(FROZEN({2, 7, T + 30 * US, OUT, 0}));
    assert_false(FROZEN({1, 7, T - 1, OUT, 0}));
    assert_false(FROZEN({1, 7, T + 41 * US, OUT, 0}));
    /* Back before it had been read: here, or elsewhere. */
    assert_false(FROZEN({1, 7, T + 30 * US, OUT, 0}, {1, 7, T + 50 * US, IN, 0}));
    assert_false(FROZEN({1, 7, T + 30 * US, OUT, 0}, {0, 7, T + 50 * US, IN, 0}));
    assert_false(FROZEN({1, 7, T + 30 * US, OUT, 0}, {2, 7, T + 60 * US, IN, 0}));
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 0}, {0, 8, T + 50 * US, IN, 0}));
    /* It was in again in between. */
    assert_false(FROZEN({1, 7, T + 10 * US, IN, 0}, {1, 7, T + 30 * US, OUT, 0}));
}

/* With the registers of the sample it has run nothing, however long the kernel took; with others it
 * has, however short it was. */
static void test_registers(void **state)
{
    (void)state;
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 99}));
    assert_false(FROZEN({1, 7, T + 30 * US, OUT, 98}));
    assert_true(FROZEN({1, 7, T + 30 * US, OUT, 99}, {1, 7, T + 31 * US, OUT, 0}));
    assert_false(FROZEN({1, 7, T + 30 * US, OUT, 98}, {1, 7, T + 31 * US, OUT, 0}));
    struct rts_near_switches switches;
    rts_near_switches_init(&switches, 1);
    const struct rts_near_switch late = {T + RTS_NEAR_OUT_KNOWN_NS, 7, false, 99};
    rts_near_switches_add(&switches, 0, &late);
    assert_true(is_frozen(&switches, 0, 7, T, late.time + 1, late.time + 2));
    assert_false(is_frozen(&switches, 0, 7, T - 1, late.time + 1, late.time + 2));
    rts_near_switches_finish(&switches);
    const uint64_t registers[] = {1, 2, 3}, others[] = {1, 3, 2};
    assert_int_equal(rts_near_digest(registers, 3), rts_near_digest(registers, 3));
    assert_int_not_equal(rts_near_digest(registers, 3), rts_near_digest(others, 3));
    assert_int_not_equal(rts_near_digest(registers, 3), rts_near_digest(registers, 2));
    assert_int_not_equal(rts_near_digest(NULL, 0), 0);
}

static void test_late_leave(void **state)
{
    (void)state;
    struct rts_near_switches switches;
    rts_near_switches_init(&switches, 1);
    add(&switches, 0, 7, T + RTS_NEAR_OUT_NS, false);
    add(&switches, 0, 9, T + 2 * RTS_NEAR_OUT_NS, false);
    assert_true(is_frozen(&switches, 0, 7, T, T + 90 * US, T + 95 * US));
    assert_false(is_frozen(&switches, 0, 7, T - 1, T + 90 * US, T + 95 * US));
    /* What cannot be: on a CPU that is none, before the sample, to an end before the beginning. */
    assert_false(is_frozen(&switches, 5, 7, T, T + 90 * US, T + 95 * US));
    assert_false(is_frozen(&switches, 0, 7, T, T - 1, T + 95 * US));
    assert_false(is_frozen(&switches, 0, 7, T, T + 90 * US, T + 89 * US));
    rts_near_switches_finish(&switches);
}

/* Where some are missing nothing is proven, and what comes later is. */
static void test_lost(void **state)
{
    (void)state;
    struct rts_near_switches switches;
    rts_near_switches_init(&switches, 1);
    add(&switches, 0, 7, T + 30 * US, false);
    rts_near_switches_lost(&switches, T);
    assert_false(is_frozen(&switches, 0, 7, T, T + 40 * US, T + 60 * US));
    assert_true(is_frozen(&switches, 0, 7, T + 1, T + 40 * US, T + 60 * US));
    rts_near_switches_lost(&switches, T - 5);
    assert_false(is_frozen(&switches, 0, 7, T, T + 40 * US, T + 60 * US));
    rts_near_switches_forget(&switches, T + 30 * US);
    assert_true(is_frozen(&switches, 0, 7, T + 1, T + 40 * US, T + 60 * US));
    rts_near_switches_forget(&switches, T + 31 * US);
    assert_false(is_frozen(&switches, 0, 7, T + 1, T + 40 * US, T + 60 * US));
    rts_near_switches_finish(&switches);
}

/* Nobody can make us keep more than so many. */
static void test_bound(void **state)
{
    (void)state;
    struct rts_near_switches switches;
    rts_near_switches_init(&switches, 2);
    for (uint64_t i = 0; i < 3 * RTS_NEAR_SWITCHES_MAX; i++)
        add(&switches, 1, 7, T + i, i % 2);
    assert_in_range(switches.cpus[1].count, 1, RTS_NEAR_SWITCHES_MAX);
    assert_in_range(switches.unsure_until, T + RTS_NEAR_SWITCHES_MAX,
                    T + 3 * RTS_NEAR_SWITCHES_MAX);
    add(&switches, 9, 7, T, true); /* a CPU that is none */
    rts_near_switches_finish(&switches);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),       cmocka_unit_test(test_registers),
        cmocka_unit_test(test_late_leave), cmocka_unit_test(test_lost),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
