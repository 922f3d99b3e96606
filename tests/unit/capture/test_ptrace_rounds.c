/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../suite.h"
#include "capture/ptrace_rounds.h"
#include "util/clock.h"
#include "util/memory.h"

#define SECOND_NS 1000000000ULL

/* Threads without a process behind them. */
struct world {
    struct rts_ptrace_targets targets;
    struct rts_ptrace_rounds rounds;
    unsigned *seen; /* by thread id */
    int32_t computes;
    int32_t asked;
    uint64_t cost_ns; /* of a look at one */
    size_t looks;
};

static void create(struct world *world, size_t count, uint32_t percent)
{
    *world =
        (struct world){.seen = rts_calloc(count, sizeof *world->seen), .computes = -1, .asked = -1};
    world->targets.threads = rts_calloc(count, sizeof *world->targets.threads);
    for (size_t i = 0; i < count; i++) {
        world->targets.threads[i] = rts_calloc(1, sizeof *world->targets.threads[i]);
        world->targets.threads[i]->tid = (int32_t)i;
    }
    world->targets.count = count;
    rts_ptrace_rounds_init(&world->rounds, percent);
}

static void destroy(struct world *world)
{
    for (size_t i = 0; i < world->targets.count; i++)
        free(world->targets.threads[i]);
    free(world->targets.threads);
    free(world->seen);
}

static bool look_at(void *context, struct rts_ptrace_thread *thread)
{
    struct world *world = context;
    world->seen[thread->tid]++;
    world->looks++;
    thread->cpu_ns += thread->tid == world->computes;
    for (uint64_t end = rts_clock_monotonic_ns() + world->cost_ns; rts_clock_monotonic_ns() < end;)
        ;
    return thread->tid == world->asked;
}

static bool look(struct world *world, uint64_t now_ns, uint64_t cpu_ns)
{
    bool has_time = rts_ptrace_rounds_begin(&world->rounds, now_ns, cpu_ns);
    rts_ptrace_rounds_look(&world->rounds, &world->targets, look_at, world);
    return has_time;
}

/* Few threads are all looked at, and without a limit so are many. */
static void all_of_few(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint32_t percent;
    } cases[] = {{3, 35}, {5000, 0}, {1, 1}, {0, 35}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        create(&world, cases[i].count, cases[i].percent);
        /* A limit is on time, of which a busy machine may let little pass for us. */
        for (unsigned n = 1; n <= 50; n++)
            assert_true(look(&world, n * SECOND_NS, n));
        for (size_t j = 0; j < cases[i].count; j++)
            assert_true(world.seen[j] >= (cases[i].percent ? 10 : 50));
        if (cases[i].percent == 0)
            assert_int_equal(world.rounds.put_off, 0);
        destroy(&world);
    }
}

/* Of many, each gets its turn, one that computes every time, and what was left out is counted. */
static void in_turn(void **state)
{
    (void)state;
    struct world world;
    create(&world, 20000, 35);
    world.computes = 12345;
    unsigned looks = 0;
    for (uint64_t now = SECOND_NS; world.seen[world.computes] == 0; now += 5000000, looks++)
        look(&world, now, 0);
    unsigned before = world.seen[world.computes], others = 0;
    for (uint64_t n = 0; n < 100; n++, looks++)
        look(&world, (100 + n) * SECOND_NS, 0);
    assert_int_equal(world.seen[world.computes], before + 100);
    for (size_t i = 0; i < 20000; i++)
        others = world.seen[i] > others && (int32_t)i != world.computes ? world.seen[i] : others;
    for (size_t i = 0; i < 20000; i++)
        assert_true(world.seen[i] + 1 >= others || (int32_t)i == world.computes);
    /* Who began to compute, and is moved for that, is not met twice. */
    assert_true(world.rounds.put_off + world.looks >= (uint64_t)looks * 20000);
    assert_true(world.rounds.put_off + world.looks <= (uint64_t)looks * 20000 + 20000);
    destroy(&world);
}

/* Who has used more than he may looks at one of a kind, and does nothing that can wait. */
static void over_the_limit(void **state)
{
    (void)state;
    struct world world;
    create(&world, 1000, 10);
    assert_true(look(&world, SECOND_NS, 0));
    world.looks = 0;
    assert_false(look(&world, 2 * SECOND_NS, SECOND_NS));
    assert_true(world.looks <= 2);
    /* It passes. */
    assert_true(look(&world, 4 * SECOND_NS, SECOND_NS));
    /* Time that goes back is no time. */
    look(&world, SECOND_NS, 0);
    destroy(&world);
}

/* One who waits in a stop is not kept waiting by the looks at all others. */
static void somebody_waits(void **state)
{
    (void)state;
    struct world world;
    create(&world, 5000, 0);
    world.asked = 0;
    world.cost_ns = 10000;
    look(&world, SECOND_NS, 0);
    assert_true(world.looks < 100);
    assert_int_equal(world.rounds.put_off, 5000 - world.looks);
    destroy(&world);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_few),
        cmocka_unit_test(in_turn),
        cmocka_unit_test(over_the_limit),
        cmocka_unit_test(somebody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
