/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "../suite.h"
#include "capture/attr.h"

#define OLD (RTS_FEATURE_CLOCK_ID | RTS_FEATURE_KERNEL_SIDE)
#define ALL (OLD | RTS_FEATURE_CGROUP_IDS)

static struct rts_attr_request request(enum rts_call_graph call_graph)
{
    return (struct rts_attr_request){
        .frequency = 99,
        .call_graph = call_graph,
        .stack_bytes = 16384,
        .user_registers = 0xff01ff,
        .inherit = true,
    };
}

/* Which errno takes which feature away, from which set. */
static void test_ladder(void **state)
{
    (void)state;
    static const struct {
        int number;
        unsigned before, after;
        enum rts_feature given_up;
    } rungs[] = {
        {EINVAL, ALL, OLD, RTS_FEATURE_CGROUP_IDS},
        {EINVAL, OLD, RTS_FEATURE_KERNEL_SIDE, RTS_FEATURE_CLOCK_ID},
        {E2BIG, OLD, RTS_FEATURE_KERNEL_SIDE, RTS_FEATURE_CLOCK_ID},
        {EOPNOTSUPP, OLD, RTS_FEATURE_KERNEL_SIDE, RTS_FEATURE_CLOCK_ID},
        {EINVAL, RTS_FEATURE_KERNEL_SIDE, RTS_FEATURE_KERNEL_SIDE, 0},
        {EINVAL, 0, 0, 0},
        {EACCES, OLD, RTS_FEATURE_CLOCK_ID, RTS_FEATURE_KERNEL_SIDE},
        {EPERM, OLD, RTS_FEATURE_CLOCK_ID, RTS_FEATURE_KERNEL_SIDE},
        {EACCES, RTS_FEATURE_CLOCK_ID, RTS_FEATURE_CLOCK_ID, 0},
        {EPERM, 0, 0, 0},
        {ESRCH, ALL, ALL, 0},
        {EMFILE, ALL, ALL, 0},
        {ENOSYS, ALL, ALL, 0},
        {EBUSY, ALL, ALL, 0},
        {0, ALL, ALL, 0},
    };
    for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++) {
        unsigned features = rungs[i].before;
        assert_int_equal(rts_attr_step_down(&features, rungs[i].number), rungs[i].given_up);
        assert_int_equal(features, rungs[i].after);
    }
}

/* The ladder ends, whatever is refused. */
static void test_ladder_ends(void **state)
{
    (void)state;
    static const int numbers[] = {EINVAL, EACCES, EPERM, E2BIG, EOPNOTSUPP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        unsigned features = ALL;
        int steps = 0;
        while (rts_attr_step_down(&features, numbers[i]))
            assert_in_range(++steps, 1, 4);
    }
}

static uint64_t flags_of(const struct perf_event_attr *attr)
{
    uint64_t flags;
    memcpy(&flags, (const char *)attr + 40, sizeof flags); /* after type .. read_format */
    return flags;
}

static void test_features(void **state)
{
    (void)state;
    struct rts_attr_request wanted = request(RTS_CALL_GRAPH_DWARF);
    for (unsigned features = 0; features <= ALL; features++) {
        struct perf_event_attr attr;
        memset(&attr, 0xff, sizeof attr);
        rts_attr_fill(&attr, &wanted, features);
        assert_int_equal(attr.type, PERF_TYPE_SOFTWARE);
        assert_int_equal(attr.config, PERF_COUNT_SW_CPU_CLOCK);
        assert_true(attr.freq);
        assert_int_equal(attr.sample_freq, 99);
        assert_int_equal(attr.cgroup, !!(features & RTS_FEATURE_CGROUP_IDS));
        assert_int_equal(attr.sample_type & PERF_SAMPLE_CGROUP,
                         features & RTS_FEATURE_CGROUP_IDS ? PERF_SAMPLE_CGROUP : 0);
        assert_int_equal(attr.exclude_kernel, !(features & RTS_FEATURE_KERNEL_SIDE));
        assert_int_equal(attr.use_clockid, !!(features & RTS_FEATURE_CLOCK_ID));
        assert_int_equal(attr.clockid, features & RTS_FEATURE_CLOCK_ID ? CLOCK_MONOTONIC : 0);
        /* Build-ids in place of inodes (bit 34), and nothing newer. */
        assert_int_equal(flags_of(&attr) >> 34, !!(features & RTS_FEATURE_BUILD_IDS));
        assert_true(attr.sample_id_all && attr.mmap && attr.mmap2 && attr.comm && attr.comm_exec &&
                    attr.task && attr.inherit);
        assert_false(attr.exclude_user);
        assert_false(attr.disabled);
    }
}

static void test_call_graphs(void **state)
{
    (void)state;
    struct perf_event_attr attr;
    struct rts_attr_request wanted = request(RTS_CALL_GRAPH_DWARF);
    rts_attr_fill(&attr, &wanted, ALL);
    assert_true(attr.sample_type & PERF_SAMPLE_STACK_USER);
    assert_false(attr.sample_type & PERF_SAMPLE_CALLCHAIN);
    assert_int_equal(attr.sample_stack_user, 16384);
    assert_int_equal(attr.sample_regs_user, 0xff01ff);

    wanted = request(RTS_CALL_GRAPH_FP);
    rts_attr_fill(&attr, &wanted, ALL);
    assert_true(attr.sample_type & PERF_SAMPLE_CALLCHAIN);
    assert_false(attr.sample_type & PERF_SAMPLE_STACK_USER);
    assert_int_equal(attr.sample_stack_user, 0);
    assert_true(attr.exclude_callchain_kernel);

    wanted = request(RTS_CALL_GRAPH_NONE);
    rts_attr_fill(&attr, &wanted, ALL);
    assert_false(attr.sample_type & (PERF_SAMPLE_STACK_USER | PERF_SAMPLE_CALLCHAIN));
}

static void test_enable_on_exec(void **state)
{
    (void)state;
    struct perf_event_attr attr;
    struct rts_attr_request wanted = request(RTS_CALL_GRAPH_NONE);
    wanted.enable_on_exec = true;
    rts_attr_fill(&attr, &wanted, ALL);
    assert_true(attr.disabled && attr.enable_on_exec);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(rts_feature_name(RTS_FEATURE_CLOCK_ID), "monotonic_clock");
    assert_string_equal(rts_feature_name(RTS_FEATURE_KERNEL_SIDE), "kernel_samples");
    assert_string_equal(rts_feature_name(RTS_FEATURE_CGROUP_IDS), "cgroup_ids");
    assert_string_equal(rts_feature_name(RTS_FEATURE_CGROUP_EVENTS), "cgroup_events");
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder),         cmocka_unit_test(test_ladder_ends),
        cmocka_unit_test(test_features),       cmocka_unit_test(test_call_graphs),
        cmocka_unit_test(test_enable_on_exec), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
