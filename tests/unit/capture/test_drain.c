/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/drain.h"

#include "../suite.h"
#include "fake_ring.h"

#define SIZE  ((size_t)64 << 10)
#define RINGS 3

static const struct rts_record_layout layout = {
    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                   PERF_SAMPLE_CPU,
    .sample_id_all = true,
};

/* What the sink saw, one letter each: S sample, C comm, X exit, M malformed sample, m malformed
 * record of another kind; and the times. */
struct seen {
    char kinds[4096];
    uint64_t times[4096];
    size_t count;
    uint64_t (*clock)(void);
    struct rts_ring *rings; /* when set, records are written during the drain */
    bool written;
};

static void see(struct seen *seen, char kind, uint64_t time)
{
    assert_in_range(seen->count, 0, 4094);
    seen->kinds[seen->count] = kind;
    seen->kinds[seen->count + 1] = '\0';
    seen->times[seen->count++] = time;
}

static uint64_t write_sample(struct rts_ring *ring, uint32_t cpu, uint64_t time)
{
    const uint64_t words[] = {7, 0x1234, (uint64_t)101 << 32 | 100, time, cpu};
    return fake_ring_record(ring, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, words, 5);
}

/* A COMM record with a name of three words, so that records have several sizes. */
static void write_comm(struct rts_ring *ring, uint32_t cpu, uint64_t time)
{
    const uint64_t words[] = {(uint64_t)101 << 32 | 100, 0x6161, 0, 0, 0, time, cpu, 7};
    fake_ring_record(ring, PERF_RECORD_COMM, 0, words, 8);
}

static void on_side_band(void *context, const struct rts_record *record)
{
    struct seen *seen = context;
    see(seen, record->kind == RTS_RECORD_COMM ? 'C' : 'X', record->time);
    if (seen->rings && !seen->written) {
        seen->written = true;
        write_comm(&seen->rings[0], 0, 1);
        write_sample(&seen->rings[1], 1, 2);
    }
}

static void on_sample(void *context, const struct rts_record *record)
{
    see(context, 'S', record->time);
}

static void on_malformed(void *context, enum rts_record_kind kind)
{
    see(context, kind == RTS_RECORD_SAMPLE ? 'M' : 'm', 0);
}

struct setup {
    struct rts_ring rings[RINGS];
    struct rts_drain drain;
    struct rts_events events;
    struct seen seen;
};

static void init(struct setup *setup, uint64_t start)
{
    memset(setup, 0, sizeof *setup);
    for (int i = 0; i < RINGS; i++)
        fake_ring_init(&setup->rings[i], SIZE, start);
}

static void finish(struct setup *setup)
{
    for (int i = 0; i < RINGS; i++)
        if (setup->rings[i].page)
            fake_ring_finish(&setup->rings[i]);
    rts_drain_finish(&setup->drain);
    rts_events_finish(&setup->events);
}

static const char *drain(struct setup *setup)
{
    struct rts_capture_sink sink = {&setup->seen, on_side_band, on_sample, on_malformed};
    setup->seen.count = 0;
    setup->seen.kinds[0] = '\0';
    rts_drain_run(&setup->drain, setup->rings, RINGS, &layout, setup->seen.clock, &setup->events,
                  &sink);
    return setup->seen.kinds;
}

/* All side-band records come first, then the samples, each in the order of time across rings. */
static void test_order(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, SIZE - 200); /* every ring wraps */
    write_sample(&setup.rings[0], 0, 10);
    write_comm(&setup.rings[0], 0, 20);
    write_sample(&setup.rings[0], 0, 40);
    write_sample(&setup.rings[1], 1, 5);
    write_comm(&setup.rings[1], 1, 15);
    write_sample(&setup.rings[1], 1, 30);
    write_comm(&setup.rings[2], 2, 60);
    assert_string_equal(drain(&setup), "CCCSSSS");
    static const uint64_t times[] = {15, 20, 60, 5, 10, 30, 40};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(setup.seen.times[i], times[i]);
    for (int i = 0; i < RINGS; i++) {
        assert_int_equal(setup.rings[i].page->data_tail, setup.rings[i].page->data_head);
        assert_int_equal(setup.rings[i].side, setup.rings[i].page->data_head);
    }
    assert_string_equal(drain(&setup), "");
    finish(&setup);
}

/* Records of one time keep the order of ring and position. */
static void test_ties(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, 0);
    write_comm(&setup.rings[1], 1, 7);
    write_comm(&setup.rings[0], 0, 7);
    write_comm(&setup.rings[0], 0, 7);
    assert_string_equal(drain(&setup), "CCC");
    finish(&setup);
}

/* What the kernel writes while a drain is under way waits for the next one, and comes once. */
static void test_writes_during_a_drain(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, 0);
    setup.seen.rings = setup.rings;
    write_comm(&setup.rings[2], 2, 50);
    write_sample(&setup.rings[2], 2, 51);
    assert_string_equal(drain(&setup), "CS");
    assert_string_equal(drain(&setup), "CS");
    assert_int_equal(setup.seen.times[0], 1);
    assert_int_equal(setup.seen.times[1], 2);
    assert_string_equal(drain(&setup), "");
    finish(&setup);
}

/* The kernel writes while the heads are read: on one CPU a birth, when the head of its ring has
 * been read, and on another what the child does, before that is. */
static struct setup *being_read;

static uint64_t clock_of_a_busy_machine(void)
{
    static bool again;
    if (!again) {
        write_comm(&being_read->rings[1], 1, 90);
        write_comm(&being_read->rings[2], 2, 150);
        write_comm(&being_read->rings[2], 2, 160);
    }
    again = true;
    return 100;
}

static void test_young_records_wait(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, SIZE - 296);
    being_read = &setup;
    setup.seen.clock = clock_of_a_busy_machine;
    write_comm(&setup.rings[0], 0, 50);
    write_sample(&setup.rings[0], 0, 51);
    assert_string_equal(drain(&setup), "CCS");
    assert_int_equal(setup.seen.times[1], 90);
    write_comm(&setup.rings[0], 0, 145);
    setup.seen.clock = NULL;
    assert_string_equal(drain(&setup), "CCC");
    static const uint64_t times[] = {145, 150, 160};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(setup.seen.times[i], times[i]);
    assert_string_equal(drain(&setup), "");
    finish(&setup);
}

static void test_offline_cpu(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, 0);
    fake_ring_finish(&setup.rings[1]);
    write_sample(&setup.rings[0], 0, 1);
    write_sample(&setup.rings[2], 2, 2);
    assert_string_equal(drain(&setup), "SS");
    finish(&setup);
}

/* A record whose insides contradict its size is told, and the next ones are read. */
static void test_malformed_record(void **state)
{
    (void)state;
    struct setup setup;
    const uint64_t words[2] = {1, 2};
    init(&setup, 0);
    fake_ring_record(&setup.rings[0], PERF_RECORD_SAMPLE, 2, words, 2);
    write_sample(&setup.rings[0], 0, 9);
    fake_ring_record(&setup.rings[0], PERF_RECORD_COMM, 0, words, 2);
    write_comm(&setup.rings[0], 0, 9);
    assert_string_equal(drain(&setup), "mCMS");
    finish(&setup);
}

/* In a time namespace our clock reads more, or less, than the one that records are stamped by. What
 * has no time gets none. */
static void test_clock_offset(void **state)
{
    (void)state;
    static const int64_t offsets[] = {0, 100000000000000, -5000};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct setup setup;
        init(&setup, 0);
        setup.drain.clock_offset_ns = offsets[i];
        write_comm(&setup.rings[0], 0, 6000);
        write_comm(&setup.rings[0], 0, 0);
        write_sample(&setup.rings[0], 0, 9000);
        assert_string_equal(drain(&setup), "CCS");
        assert_int_equal(setup.seen.times[0], 0);
        assert_int_equal(setup.seen.times[1], 6000 + offsets[i]);
        assert_int_equal(setup.seen.times[2], 9000 + offsets[i]);
        finish(&setup);
    }
}

/* Behind an impossible header nothing can be found any more: that is told once, too, and the ring
 * goes on with what is written next. */
static void test_impossible_header(void **state)
{
    (void)state;
    struct setup setup;
    struct perf_event_header header = {.type = PERF_RECORD_SAMPLE, .size = 4};
    init(&setup, 0);
    write_sample(&setup.rings[0], 0, 1);
    fake_ring_write(&setup.rings[0], &header, sizeof header);
    write_sample(&setup.rings[0], 0, 2);
    write_sample(&setup.rings[1], 1, 3);
    const char *kinds = drain(&setup);
    assert_non_null(strchr(kinds, 'M'));
    assert_null(strchr(strchr(kinds, 'M') + 1, 'M'));
    write_sample(&setup.rings[0], 0, 4);
    assert_string_equal(drain(&setup), "S");
    assert_int_equal(setup.seen.times[0], 4);
    finish(&setup);
}

static void write_exit(struct rts_ring *ring, uint32_t cpu, uint32_t tid, uint64_t time)
{
    const uint64_t pids = (uint64_t)100 << 32 | 100, tids = (uint64_t)100 << 32 | tid;
    const uint64_t words[] = {pids, tids, time, (uint64_t)tid << 32 | 100, time, cpu, 7};
    fake_ring_record(ring, PERF_RECORD_EXIT, 0, words, 7);
}

/* The exit of a thread is applied after the samples of this drain and the next, though it is passed
 * on before them: they may still be from the thread that was covered twice. */
static void test_exit_and_double_cover(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, 0);
    struct rts_event *event = calloc(1, sizeof *event);
    *event = (struct rts_event){.fd = -1, .tid = 99, .id = 7};
    setup.events.ambiguous = true;
    rts_events_add(&setup.events, -1, 101, 0); /* its own event, which does not speak here */
    rts_table_add(&setup.events.by_id, rts_hash_u64(7), event);

    write_sample(&setup.rings[0], 0, 1); /* of 101, by the event of 99: the second one */
    write_exit(&setup.rings[1], 1, 101, 2);
    assert_string_equal(drain(&setup), "X");
    write_sample(&setup.rings[0], 0, 3); /* written between the two readings of the heads */
    assert_string_equal(drain(&setup), "");
    write_sample(&setup.rings[0], 0, 4); /* of a new 101, a child of 99 */
    assert_string_equal(drain(&setup), "S");
    finish(&setup);
    free(event);
}

/* Many records over many drains: each sample and each side-band record comes exactly once, in
 * order, and what was mapped before a sample was seen before it. */
static void test_many(void **state)
{
    (void)state;
    struct setup setup;
    init(&setup, 0);
    srandom(4);
    uint64_t time = 1, samples = 0, comms = 0, seen_samples = 0, seen_comms = 0;
    for (int round = 0; round < 400; round++) {
        long burst = random() % 200;
        for (long i = 0; i < burst; i++, time++) {
            uint32_t cpu = (uint32_t)random() % RINGS;
            if (random() % 4) {
                write_sample(&setup.rings[cpu], cpu, time);
                samples++;
            } else {
                write_comm(&setup.rings[cpu], cpu, time);
                comms++;
            }
        }
        drain(&setup);
        for (size_t i = 0; i < setup.seen.count; i++) {
            if (i > 0 && setup.seen.kinds[i] == setup.seen.kinds[i - 1])
                assert_true(setup.seen.times[i] > setup.seen.times[i - 1]);
            if (i > 0)
                assert_false(setup.seen.kinds[i] == 'C' && setup.seen.kinds[i - 1] == 'S');
            seen_samples += setup.seen.kinds[i] == 'S';
            seen_comms += setup.seen.kinds[i] == 'C';
        }
    }
    assert_int_equal(seen_samples, samples);
    assert_int_equal(seen_comms, comms);
    finish(&setup);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_writes_during_a_drain),
        cmocka_unit_test(test_offline_cpu),
        cmocka_unit_test(test_young_records_wait),
        cmocka_unit_test(test_malformed_record),
        cmocka_unit_test(test_clock_offset),
        cmocka_unit_test(test_impossible_header),
        cmocka_unit_test(test_exit_and_double_cover),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
