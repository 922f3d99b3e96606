/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../suite.h"
#include "capture/events.h"
#include "util/memory.h"

/* An event with an id of our choice: its fd is no perf event, so the id is put in by hand. */
static void add_event(struct rts_events *events, int32_t tid, uint32_t cpu, uint64_t id)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    rts_events_add(events, fd, tid, cpu);
    struct rts_event *event = events->items[events->count - 1];
    assert_int_equal(event->fd, fd);
    event->id = id;
    rts_table_add(&events->by_id, rts_hash_u64(id), event);
}

static bool admit(struct rts_events *events, int32_t tid, uint32_t cpu, uint64_t id)
{
    struct rts_record sample = {
        .kind = RTS_RECORD_SAMPLE, .pid = 100, .tid = tid, .cpu = cpu, .id = id};
    return rts_events_admit(events, &sample);
}

static void test_all_pass_unless_ambiguous(void **state)
{
    (void)state;
    struct rts_events events = {0};
    add_event(&events, 100, 0, 1);
    add_event(&events, 101, 0, 2);
    assert_true(admit(&events, 101, 0, 1));
    assert_true(admit(&events, 101, 0, 2));
    rts_events_finish(&events);
}

/* Thread 101 was opened, and it inherited the events of 100 as well: only its own count. */
static void test_thread_with_its_own_events(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        add_event(&events, 100, cpu, 10 + cpu);
        add_event(&events, 101, cpu, 20 + cpu);
    }
    assert_true(rts_events_has_thread(&events, 100));
    assert_true(rts_events_has_thread(&events, 101));
    assert_false(rts_events_has_thread(&events, 102));
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        assert_true(admit(&events, 100, cpu, 10 + cpu));
        assert_true(admit(&events, 101, cpu, 20 + cpu));
        assert_false(admit(&events, 101, cpu, 10 + cpu));
    }
    rts_events_finish(&events);
}

/* A child of 101 inherits both sets. Per CPU it listens to the one that speaks first, for good. */
static void test_child_of_a_doubly_covered_thread(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        add_event(&events, 100, cpu, 10 + cpu);
        add_event(&events, 101, cpu, 20 + cpu);
    }
    for (int round = 0; round < 5; round++) {
        assert_true(admit(&events, 200, 0, 20));
        assert_false(admit(&events, 200, 0, 10));
        assert_true(admit(&events, 200, 1, 11));
        assert_false(admit(&events, 200, 1, 21));
        assert_true(admit(&events, 201, 0, 10)); /* another child decides for itself */
        assert_false(admit(&events, 201, 0, 20));
    }
    rts_events_finish(&events);
}

/* Samples of whole CPUs, and of events that are not known, are never held back. */
static void test_other_samples(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    add_event(&events, -1, 0, 5);
    add_event(&events, 100, 0, 10);
    assert_true(admit(&events, 100, 0, 5));
    assert_true(admit(&events, 300, 0, 5));
    assert_true(admit(&events, 100, 0, 777));
    rts_events_finish(&events);
}

static bool admit_at(struct rts_events *events, uint64_t time, int32_t tid, uint64_t id)
{
    struct rts_record sample = {
        .kind = RTS_RECORD_SAMPLE, .pid = 100, .tid = tid, .time = time, .id = id};
    return rts_events_admit(events, &sample);
}

/* Each moment belongs to the old events or to the new ones; the old ones end after a drain. */
static void test_replaced_by_cpus(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    add_event(&events, 100, 0, 10);
    add_event(&events, 101, 0, 20);
    add_event(&events, -1, 0, 30);
    rts_events_replace(&events, 2);
    uint64_t since = events.since_ns;
    for (int drained = 0; drained < 2; drained++) {
        assert_true(admit_at(&events, since - 1, 100, 10));
        assert_false(admit_at(&events, since, 100, 10));
        assert_false(admit_at(&events, since - 1, 100, 30));
        assert_true(admit_at(&events, since, 100, 30));
        assert_true(admit_at(&events, since, 300, 30));
        assert_false(admit_at(&events, since, 300, 99)); /* of an heir of one that is closed */
        if (!drained)
            assert_false(admit_at(&events, since - 1, 101, 10)); /* which has its own */
        assert_int_equal(events.count, drained ? 1 : 3);
        rts_events_end_drain(&events);
    }
    assert_int_equal(events.items[0]->id, 30);
    assert_false(rts_events_has_thread(&events, 100));
    add_event(&events, 100, 0, 40);
    rts_events_cut(&events, 1);
    assert_int_equal(events.count, 1);
    rts_events_finish(&events);
}

/* A tid that is used again after its thread ended is a new thread: nothing that was decided for the
 * old one holds, but only after the next drain, in which its last samples may come. */
static void test_tid_is_used_again(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    add_event(&events, 100, 0, 10);
    add_event(&events, 101, 0, 20);
    assert_true(admit(&events, 200, 0, 20));
    assert_false(admit(&events, 200, 0, 10));

    rts_events_thread_exit(&events, 101);
    rts_events_thread_exit(&events, 200);
    rts_events_thread_exit(&events, 999); /* never heard of */
    assert_false(admit(&events, 101, 0, 10));
    assert_false(admit(&events, 200, 0, 10));
    rts_events_end_drain(&events);
    assert_false(admit(&events, 101, 0, 10));
    assert_false(admit(&events, 200, 0, 10));
    rts_events_end_drain(&events);

    assert_false(rts_events_has_thread(&events, 101));
    assert_true(admit(&events, 101, 0, 10)); /* a child of 100 that got the number */
    assert_true(admit(&events, 200, 0, 10));
    assert_false(admit(&events, 200, 0, 20));
    rts_events_end_drain(&events); /* nothing is forgotten twice */
    assert_false(admit(&events, 200, 0, 20));
    rts_events_finish(&events);
}

/* The end of a thread was missed, and its id is that of a new thread now. */
static void test_born_again(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    add_event(&events, 100, 0, 10);
    add_event(&events, 101, 0, 20);
    assert_true(admit(&events, 200, 0, 20));
    rts_events_thread_born(&events, 101, 1); /* it was born before it was opened: the same one */
    assert_false(admit(&events, 101, 0, 10));
    rts_events_thread_born(&events, 101, UINT64_MAX);
    assert_true(admit(&events, 101, 0, 10));
    rts_events_thread_born(&events, 200, 1);
    assert_true(admit(&events, 200, 0, 10));
    rts_events_finish(&events);
}

static void test_many_threads_leave_nothing(void **state)
{
    (void)state;
    struct rts_events events = {.ambiguous = true};
    for (uint32_t cpu = 0; cpu < 4; cpu++)
        add_event(&events, 100, cpu, 10 + cpu);
    for (int32_t tid = 1000; tid < 3000; tid++) {
        for (uint32_t cpu = 0; cpu < 4; cpu++)
            assert_true(admit(&events, tid, cpu, 10 + cpu));
        rts_events_thread_exit(&events, tid);
        if (tid % 16 == 0)
            rts_events_end_drain(&events);
    }
    rts_events_end_drain(&events);
    rts_events_end_drain(&events);
    assert_int_equal(events.owners.count, 0);
    assert_int_equal(events.threads.count, 1);
    rts_events_finish(&events);
}

/* With a real event: the id that its samples will carry is asked for, and finish() closes it. */
static void test_real_event(void **state)
{
    (void)state;
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        print_message("perf_event_open: %s\n", strerror(errno));
        skip();
    }
    struct rts_events events = {0};
    rts_events_add(&events, fd, 100, 3);
    assert_int_not_equal(events.items[0]->id, 0);
    assert_int_equal(events.by_id.count, 1);
    assert_int_equal(events.cpus, 4);
    rts_events_control(&events, PERF_EVENT_IOC_DISABLE);
    rts_events_finish(&events);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pass_unless_ambiguous),
        cmocka_unit_test(test_thread_with_its_own_events),
        cmocka_unit_test(test_child_of_a_doubly_covered_thread),
        cmocka_unit_test(test_other_samples),
        cmocka_unit_test(test_replaced_by_cpus),
        cmocka_unit_test(test_tid_is_used_again),
        cmocka_unit_test(test_born_again),
        cmocka_unit_test(test_many_threads_leave_nothing),
        cmocka_unit_test(test_real_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
