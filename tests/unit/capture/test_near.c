/* SPDX-License-Identifier: Apache-2.0 */
/* What rtsample does for memory that is read near samples, with rings and records of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/drain.h"
#include "util/clock.h"

#include "../suite.h"
#include "fake_ring.h"

#define SIZE ((size_t)64 << 10)
#define CPUS 1
#define MS   1000000u
#define T    ((uint64_t)1000 * RTS_NS_PER_S)

static const struct rts_record_layout layout = {
    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                   PERF_SAMPLE_CPU,
    .sample_id_all = true,
};

static uint64_t now_ns;

static uint64_t our_clock(void)
{
    return now_ns;
}

struct world {
    struct rts_ring items[2 * CPUS];
    int owners[2 * CPUS];
    struct rts_perf_rings rings;
    struct rts_events events;
    struct rts_near near;
    struct rts_drain drain;
    int memory; /* its descriptor */
    size_t samples, side_band;
};

static void begin(struct world *world)
{
    *world = (struct world){.owners = {3, 3}};
    for (int i = 0; i < 2 * CPUS; i++)
        fake_ring_init(&world->items[i], SIZE, 0);
    world->rings =
        (struct rts_perf_rings){.cpu_count = CPUS, .items = world->items, .owners = world->owners};
    world->near = (struct rts_near){
        .rings = &world->rings,
        .events = &world->events,
        .layout = layout,
        .tails = calloc(CPUS, sizeof(uint64_t)),
        .count = 1,
        .processes = {{.pid = getpid()}},
        .looked_ns = T,
        .started_ns = T,
        .socket = -1,
    };
    world->near.memory = rts_near_memory_create(CPUS, &world->memory);
    assert_non_null(world->near.memory);
    rts_near_switches_init(&world->near.switches, CPUS);
    world->drain.near = &world->near;
    now_ns = T;
}

static void end(struct world *world)
{
    rts_near_finish(&world->near);
    rts_drain_finish(&world->drain);
    rts_events_finish(&world->events);
    for (int i = 0; i < 2 * CPUS; i++)
        fake_ring_finish(&world->items[i]);
    close(world->memory);
}

static void on_side_band(void *context, const struct rts_record *record)
{
    (void)record;
    ((struct world *)context)->side_band++;
}

static void on_sample(void *context, const struct rts_record *record)
{
    (void)record;
    ((struct world *)context)->samples++;
}

static void on_malformed(void *context, enum rts_record_kind kind)
{
    (void)context;
    (void)kind;
    fail();
}

static void drain(struct world *world)
{
    const struct rts_capture_sink sink = {world, on_side_band, on_sample, on_malformed};
    world->samples = world->side_band = 0;
    rts_drain_run(&world->drain, world->items, 2 * CPUS, &layout, our_clock, &world->events, &sink);
}

static void write_sample(struct world *world, uint64_t id, uint64_t time)
{
    const uint64_t words[] = {id, 0x1234, (uint64_t)101 << 32 | 100, time, 0};
    fake_ring_record(&world->items[0], PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, words, 5);
}

/* Somebody is back on a CPU. */
static void write_switch(struct world *world, uint64_t time)
{
    const uint64_t words[] = {(uint64_t)getpid() << 32 | (uint64_t)getpid(), time, 0, 9};
    fake_ring_record(&world->items[0], PERF_RECORD_SWITCH, 0, words, 4);
}

static void write_throttle(struct world *world, uint64_t id, uint64_t time)
{
    const uint64_t words[] = {time, id, id, (uint64_t)101 << 32 | 100, time, 0, id};
    fake_ring_record(&world->items[0], PERF_RECORD_THROTTLE, 0, words, 7);
}

static void add_event(struct world *world, uint64_t id, int32_t pid)
{
    struct rts_near_events *events = &world->near.switch_events;
    struct rts_near_event *event = calloc(1, sizeof *event);
    *event = (struct rts_near_event){.fd = -1, .pid = pid, .id = id};
    events->items = realloc(events->items, (events->count + 1) * sizeof(struct rts_near_event *));
    events->capacity = events->count + 1;
    events->items[events->count++] = event;
    rts_table_add(&events->by_id, rts_hash_u64(id), event);
}

/* Samples wait for what is read near them, and no longer; at the end none does. A thread that has
 * ended is known until its last samples have come. */
static void test_wait(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    const uint64_t words[] = {
        (uint64_t)99 << 32 | 100, (uint64_t)99 << 32 | 101, T, (uint64_t)101 << 32 | 100, T, 0, 7};
    rts_events_add(&world.events, -1, 101, 0);
    world.events.ambiguous = true;
    write_sample(&world, 7, T - 20 * MS);
    write_sample(&world, 7, T - 1 * MS);
    fake_ring_record(&world.items[0], PERF_RECORD_EXIT, 0, words, 7);
    drain(&world);
    assert_int_equal(world.samples, 1);
    assert_int_equal(world.side_band, 1);
    assert_in_range(world.drain.passed_on, T - 20 * MS, T - 1 * MS);
    for (int i = 0; i < 3; i++) {
        now_ns += 2 * MS;
        drain(&world);
        assert_int_equal(world.samples + world.side_band, 0);
        assert_true(rts_events_has_thread(&world.events, 101));
    }
    now_ns += 5 * MS;
    drain(&world);
    assert_int_equal(world.samples, 1);
    for (int i = 0; i < 3; i++) {
        now_ns += 12 * MS;
        drain(&world);
    }
    assert_false(rts_events_has_thread(&world.events, 101));
    write_sample(&world, 7, now_ns);
    world.near.ending = true;
    drain(&world);
    assert_int_equal(world.samples, 1);
    assert_true(world.drain.passed_on == UINT64_MAX);
    end(&world);
}

/* What was closed has records in the rings until these have been taken, however many were closed;
 * they are no samples of the target. */
static void test_closed(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    now_ns = rts_clock_monotonic_ns();
    world.near.looked_ns = now_ns;
    for (uint64_t id = 1; id <= 6000; id++)
        add_event(&world, id, getpid());
    write_sample(&world, 1, now_ns);
    write_throttle(&world, 2, now_ns);
    write_throttle(&world, 9000, now_ns);
    rts_near_events_close(&world.near.switch_events, getpid());
    drain(&world);
    assert_int_equal(world.samples, 0);
    assert_int_equal(world.side_band, 1);
    assert_true(rts_near_is_told(&world.near));
    now_ns = rts_clock_monotonic_ns() + 100 * MS;
    world.near.looked_ns = now_ns;
    drain(&world);
    assert_int_equal(world.samples, 0);
    assert_false(rts_near_is_told(&world.near));
    end(&world);
}

/* A process that fills the rings with its switches is left at once, and not taken again. */
static void test_many_switches(void **state)
{
    (void)state;
    struct world world;
    struct rts_near_plan plan = {{{0}}};
    struct rts_error error;
    begin(&world);
    add_event(&world, 9, getpid());
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 1100; j++)
            write_switch(&world, now_ns);
        now_ns += 10 * MS;
        drain(&world);
        assert_int_equal(world.samples + world.side_band, 0);
        assert_int_equal(world.near.count, 1);
    }
    for (int j = 0; j < 200; j++)
        write_switch(&world, now_ns);
    drain(&world);
    assert_int_equal(world.near.count, 0);
    assert_int_equal(world.near.counts.switching_pid, getpid());
    assert_int_equal(rts_near_want(&world.near, getpid(), &plan, &error), -1);
    assert_non_null(strstr(error.text, "given up"));
    end(&world);
}

/* Somebody lets readers wait again and again, each time for less than what is called hanging. */
static void test_slow(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct rts_near_memory *theirs = rts_near_memory_open(world.memory, CPUS);
    assert_non_null(theirs);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world.near.count, 1);
        const struct rts_near_blob blob = {
            .pid = getpid(),
            .tid = getpid(),
            .sample_ns = T - 900 * MS + i * MS,
            .begin_ns = T - 900 * MS,
            .end_ns = T - 500 * MS,
        };
        assert_non_null(rts_near_lane_room(theirs, 0, 0));
        rts_near_lane_put(theirs, 0, &blob);
        drain(&world);
    }
    assert_int_equal(world.near.count, 0);
    assert_int_equal(world.near.counts.hung_pid, getpid());
    rts_near_memory_close(theirs);
    end(&world);
}

/* Where a CPU comes online that has no ring, nobody tells of switches. */
static void test_new_cpu(void **state)
{
    (void)state;
    struct world world;
    struct rts_near_plan plan = {{{0}}};
    struct rts_error error;
    const struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
    };
    int fd = rts_perf_event_open(&attr, 0, 0);
    if (fd < 0)
        skip(); /* perf events are refused */
    close(fd);
    begin(&world);
    now_ns += 2 * RTS_NS_PER_S;
    drain(&world);
    assert_int_equal(world.near.count, 1);
    world.owners[0] = -1;
    now_ns += 2 * RTS_NS_PER_S;
    drain(&world);
    assert_int_equal(world.near.count, 0);
    assert_true(world.near.counts.cpu_came);
    assert_int_equal(rts_near_want(&world.near, getpid(), &plan, &error), -1);
    assert_non_null(strstr(error.text, "online"));
    end(&world);
}

/* Whatever was lost since the last drain, also after that had looked. */
static void test_lost(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.near.latest_ns = T;
    rts_near_see_room(&world.near, 0, 1000, 2000);
    assert_int_equal(world.near.switches.unsure_until, 0);
    /* It was full for a while, up to what the last drain has released. */
    world.near.latest_ns = T + 10;
    rts_near_see_room(&world.near, 0, 60000, 1000 + SIZE - 8);
    assert_int_equal(world.near.switches.unsure_until, T + 10);
    world.near.latest_ns = T + 20;
    rts_near_see_room(&world.near, 0, 60000, 1000 + SIZE + 8);
    assert_int_equal(world.near.switches.unsure_until, T + 10);
    end(&world);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait),          cmocka_unit_test(test_closed),
        cmocka_unit_test(test_many_switches), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_new_cpu),       cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
