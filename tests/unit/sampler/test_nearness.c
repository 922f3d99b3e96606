/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes are read near their samples, with a capture that reads nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/backend.h"
#include "sampler/nearness.h"

#include "../suite.h"

struct world {
    struct rts_capture capture; /* the first one */
    struct rts_nearness nearness;
    int32_t read[64];
    unsigned count;
    uint32_t beyond; /* of the last plan */
    bool refuses;
};

static int take(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                struct rts_error *error)
{
    struct world *world = (struct world *)capture;
    if (world->refuses)
        return rts_fail(error, RTS_FAILED, "no");
    world->beyond = plan->ranges[1].base == RTS_NEAR_NOTHING ? 0 : plan->ranges[1].size;
    for (unsigned i = 0; i < world->count; i++)
        if (world->read[i] == pid)
            return 0;
    world->read[world->count++] = pid;
    return 0;
}

static void leave(struct rts_capture *capture, int32_t pid)
{
    struct world *world = (struct world *)capture;
    for (unsigned i = 0; i < world->count; i++)
        if (world->read[i] == pid)
            world->read[i] = world->read[--world->count];
}

static const struct rts_capture_backend backend = {.near = take, .leave_near = leave};

static void begin(struct world *world)
{
    *world = (struct world){.capture.backend = &backend, .nearness.wanted = true};
}

/* So many samples, each with a drain of its own, whose stacks end so. `helps`: a word of what was read
 * near them was used. */
static void see(struct world *world, struct rts_process *process, unsigned count,
                enum rts_stop stop, bool helps)
{
    static const uint64_t registers[1], word = 5;
    const struct rts_near_blob blob = {
        .count = 1, .pieces = {{0x1000, 8, 0}}, .bytes = (const uint8_t *)&word};
    const struct rts_record record = {
        .sample = {.registers = registers, .near = helps ? &blob : NULL}};
    const struct rts_stack stack = {.stop = stop};
    for (unsigned i = 0; i < count; i++) {
        struct rts_memory memory = {0};
        uint64_t read;
        rts_nearness_extend(&world->nearness, &memory, &record.sample);
        assert_int_equal(rts_memory_word(&memory, 0x1000, &read), helps);
        rts_nearness_see(&world->nearness, process, &record, &stack);
        rts_nearness_settle(&world->nearness, &world->capture);
    }
}

/* Nobody is read for a few stacks that end by chance, however long it runs. */
static void test_rate(void **state)
{
    (void)state;
    struct world world;
    struct rts_process process = {.pid = getpid()}, other = {.pid = getppid()};
    begin(&world);
    for (int i = 0; i < 1000; i++) {
        see(&world, &process, 1, RTS_STOP_BAD_MEMORY, false);
        see(&world, &process, 300, RTS_STOP_COMPLETE, false);
    }
    assert_int_equal(world.count, 0);
    see(&world, &other, 60, RTS_STOP_COMPLETE, false);
    see(&world, &other, 3, RTS_STOP_BAD_MEMORY, false);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.read[0], other.pid);
    assert_int_equal(world.beyond, 0);
    world.nearness.wanted = false;
    see(&world, &process, 100, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 1);
}

/* Who has no use of it is left, and it takes more until it is tried again; who has is not. */
static void test_use(void **state)
{
    (void)state;
    struct world world;
    struct rts_process process = {.pid = getpid()};
    begin(&world);
    see(&world, &process, 3, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 1);
    assert_int_not_equal(world.beyond, 0);
    for (int i = 0; i < 100; i++) {
        see(&world, &process, 90, RTS_STOP_COMPLETE, false);
        see(&world, &process, 10, RTS_STOP_COMPLETE, true);
    }
    assert_int_equal(world.count, 1);
    see(&world, &process, 600, RTS_STOP_COMPLETE, false);
    assert_int_equal(world.count, 0);
    see(&world, &process, 3, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 0);
    see(&world, &process, 3, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 1);
    world.refuses = true;
    see(&world, &process, 256, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 0);
    see(&world, &process, 100, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 0);
    assert_true(world.nearness.refusal_said);
    /* Of one that has ended it is no matter. */
    process = (struct rts_process){.pid = INT32_MAX};
    world.nearness.refusal_said = false;
    see(&world, &process, 100, RTS_STOP_STACK_SHORT, false);
    assert_false(world.nearness.refusal_said);
}

/* Another program in the place of one that was read. */
static void test_exec(void **state)
{
    (void)state;
    struct world world;
    struct rts_process process = {.pid = getpid()}, after = {.pid = getpid()};
    begin(&world);
    see(&world, &process, 3, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.count, 1);
    see(&world, &after, 1, RTS_STOP_COMPLETE, false);
    assert_int_equal(world.count, 0);
}

/* One user's processes do not take all of the places. */
static void test_owners(void **state)
{
    (void)state;
    struct world world;
    struct rts_process theirs[20], other = {.pid = getppid(), .owner = 2};
    begin(&world);
    for (int i = 0; i < 20; i++) {
        theirs[i] = (struct rts_process){.pid = getpid(), .owner = 1};
        see(&world, &theirs[i], 3, RTS_STOP_STACK_SHORT, false);
        /* Each a process of its own, which is there: our group. */
        for (unsigned j = 0; j < world.nearness.place_count; j++)
            world.nearness.places[j].pid = 0;
    }
    assert_in_range(world.nearness.place_count, 1, RTS_NEAR_PROCESSES_MAX / 2);
    see(&world, &other, 3, RTS_STOP_STACK_SHORT, false);
    assert_int_equal(world.read[world.count - 1], other.pid);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
