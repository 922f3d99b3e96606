/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "capture/attr.h"
#include "trace/attrs.h"

#define TYPE (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

/* The words of a sample_id of TYPE. */
#define TRAILER 3

/* Adds an event that asks for build-ids or does not, with the id `id`. */
static void add_event(struct rts_trace_attrs *attrs, uint64_t id, bool asks, bool says_which)
{
    struct perf_event_attr attr = {
        .size = sizeof attr,
        .sample_type = says_which ? TYPE : TYPE & ~(uint64_t)PERF_SAMPLE_IDENTIFIER,
        .sample_id_all = 1,
        .mmap2 = 1,
    };
    uint32_t event;
    if (asks)
        rts_attr_ask_build_ids(&attr);
    assert_int_equal(rts_trace_attrs_add(attrs, &attr, sizeof attr, &event, NULL), 0);
    rts_trace_attrs_add_id(attrs, id, event);
}

/* What the flag of an MMAP2 record says that ends with this id. */
static enum rts_build_id_flag flag_of(struct rts_trace_attrs *attrs, uint64_t id)
{
    struct {
        struct perf_event_header header;
        uint64_t body[8 + TRAILER];
    } record = {.header = {.type = PERF_RECORD_MMAP2, .size = sizeof record}};
    record.body[8 + TRAILER - 1] = id;
    const struct rts_trace_event *event = rts_trace_attrs_of_record(attrs, &record.header);
    struct rts_record_layout layout = rts_trace_attrs_layout(attrs, event, &record.header);
    assert_int_equal(layout.sample_type, event ? event->layout.sample_type : 0);
    return layout.build_id_flag;
}

static void one_event(void **state)
{
    (void)state;
    for (int asks = 0; asks < 2; asks++) {
        struct rts_trace_attrs attrs = {0};
        enum rts_build_id_flag expected =
            asks ? RTS_BUILD_ID_FLAG_HOLDS : RTS_BUILD_ID_FLAG_FOREIGN;
        add_event(&attrs, 5, asks, asks);
        assert_int_equal(flag_of(&attrs, 5), expected);
        assert_int_equal(flag_of(&attrs, 0), expected);
        rts_trace_attrs_finish(&attrs);
    }
}

/* perf has one event of several ask, not always the first one; and writes records of what was
 * mapped before, which are of none. */
static void each_for_itself(void **state)
{
    (void)state;
    struct rts_trace_attrs attrs = {0};
    add_event(&attrs, 5, false, true);
    assert_int_equal(flag_of(&attrs, 0), RTS_BUILD_ID_FLAG_FOREIGN);
    add_event(&attrs, 6, true, true);
    add_event(&attrs, 7, false, true);
    assert_int_equal(flag_of(&attrs, 5), RTS_BUILD_ID_FLAG_FOREIGN);
    assert_int_equal(flag_of(&attrs, 6), RTS_BUILD_ID_FLAG_HOLDS);
    assert_int_equal(flag_of(&attrs, 7), RTS_BUILD_ID_FLAG_FOREIGN);
    assert_int_equal(flag_of(&attrs, 0), RTS_BUILD_ID_FLAG_HOLDS);
    rts_trace_attrs_finish(&attrs);
}

static void nobody_says_which(void **state)
{
    (void)state;
    struct rts_trace_attrs attrs = {0};
    add_event(&attrs, 5, true, false);
    add_event(&attrs, 6, true, false);
    assert_int_equal(flag_of(&attrs, 5), RTS_BUILD_ID_FLAG_HOLDS);
    add_event(&attrs, 7, false, false);
    assert_int_equal(flag_of(&attrs, 5), RTS_BUILD_ID_FLAG_UNSURE);
    rts_trace_attrs_finish(&attrs);
}

/* A pipe may hold records before it tells of any event. */
static void no_event(void **state)
{
    (void)state;
    struct rts_trace_attrs attrs = {0};
    assert_int_equal(flag_of(&attrs, 5), RTS_BUILD_ID_FLAG_FOREIGN);
    rts_trace_attrs_finish(&attrs);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event),
        cmocka_unit_test(each_for_itself),
        cmocka_unit_test(nobody_says_which),
        cmocka_unit_test(no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
