/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "guard/cpu_guard.h"

#define SECOND_NS 1000000000ULL
#define TICK_NS   10000000ULL /* of the simulation */
#define TICKS_MAX 30000

/*
 * A machine to try the guard on: it takes `processors` times the frequency of samples a second.
 * Each costs a little to receive and much more when it is not shed; beside that there is a load of
 * other work. One processor is ours: what does not fit into a tick is done in the next one.
 */
struct machine {
    unsigned processors;
    uint64_t receive_ns, use_ns; /* per sample */
    uint64_t other_ns;           /* per second, on other work */
    uint32_t frequency;          /* in effect */
    bool deaf;                   /* its frequency cannot be changed */

    uint64_t now_ns, cpu_ns;
    uint64_t due; /* samples that have come, in 1 / SECOND_NS */
    uint64_t taken, shed;
    unsigned ticks, changes;
    uint64_t cpu_at[TICKS_MAX + 1]; /* at the end of each tick */
};

static struct machine *new_machine(uint32_t frequency)
{
    struct machine *machine = calloc(1, sizeof *machine);
    assert_non_null(machine);
    *machine = (struct machine){
        .processors = 2,
        .receive_ns = 2000,
        .use_ns = 30000,
        .frequency = frequency,
        .now_ns = 1000 * SECOND_NS,
        .cpu_ns = 77777,
    };
    return machine;
}

static void read_in(struct rts_cpu_guard *guard, struct machine *machine, bool sampling)
{
    const struct rts_cpu_reading reading = {
        .now_ns = machine->now_ns,
        .cpu_ns = machine->cpu_ns,
        .sampling = sampling,
        .frequency = machine->frequency,
    };
    rts_cpu_guard_update(guard, &reading);
    if (guard->frequency != machine->frequency && !machine->deaf) {
        machine->frequency = guard->frequency;
        machine->changes++;
    }
}

/* One sample is received, and used or shed. */
static void take_sample(const struct rts_cpu_guard *guard, struct machine *machine)
{
    machine->due -= SECOND_NS;
    machine->taken++;
    machine->shed += guard->shedding;
    machine->cpu_ns += machine->receive_ns + (guard->shedding ? 0 : machine->use_ns);
}

static void tick(struct rts_cpu_guard *guard, struct machine *machine)
{
    uint64_t end_cpu = machine->cpu_ns + TICK_NS;
    machine->now_ns += TICK_NS;
    machine->due += (uint64_t)machine->processors * machine->frequency * TICK_NS;
    machine->cpu_ns += machine->other_ns / (SECOND_NS / TICK_NS);
    read_in(guard, machine, false);
    for (unsigned i = 1; machine->due >= SECOND_NS && machine->cpu_ns < end_cpu; i++) {
        take_sample(guard, machine);
        if (i % 32 == 0)
            read_in(guard, machine, true);
    }
    read_in(guard, machine, true);
    assert_in_range(machine->ticks, 0, TICKS_MAX - 1);
    machine->cpu_at[++machine->ticks] = machine->cpu_ns;
}

static void run_for(struct rts_cpu_guard *guard, struct machine *machine, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * (SECOND_NS / TICK_NS); i++)
        tick(guard, machine);
}

/* The oracle: percent of one processor in the busiest second, wherever it begins from tick `from`
 * on. */
static unsigned busiest_second(const struct machine *machine, unsigned from)
{
    const unsigned ticks = SECOND_NS / TICK_NS;
    uint64_t most = 0;
    for (unsigned i = from + ticks; i <= machine->ticks; i++) {
        uint64_t used = machine->cpu_at[i] - machine->cpu_at[i - ticks];
        most = used > most ? used : most;
    }
    return (unsigned)(most / (SECOND_NS / 100));
}

static void a_light_load_is_left_alone(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(99);
    rts_cpu_guard_init(&guard, 35, 99);
    machine->other_ns = SECOND_NS / 5; /* 20 percent, and 99 * 2 samples */
    run_for(&guard, machine, 60);
    assert_int_equal(machine->changes, 0);
    assert_int_equal(machine->shed, 0);
    assert_int_equal(guard.state, RTS_CPU_CALM);
    assert_false(rts_cpu_guard_has_news(&guard, machine->now_ns));
    free(machine);
}

static void no_limit_no_guard(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(10000);
    rts_cpu_guard_init(&guard, 0, 10000);
    run_for(&guard, machine, 10);
    assert_int_equal(machine->changes, 0);
    assert_int_equal(machine->shed, 0);
    free(machine);
}

/* Storms of all strengths, under limits of all kinds: no second from the first on uses more than
 * the limit and a little; the frequency comes first, and settles. */
static void the_limit_holds(void **state)
{
    (void)state;
    static const uint32_t frequencies[] = {500, 1000, 4000, 10000, 50000};
    static const uint64_t costs[] = {10000, 30000, 100000, 1000000};
    static const uint32_t limits[] = {1, 5, 35, 80};
    for (size_t f = 0; f < 5; f++) {
        for (size_t c = 0; c < 4; c++) {
            for (size_t l = 0; l < 4; l++) {
                struct rts_cpu_guard guard;
                struct machine *machine = new_machine(frequencies[f]);
                machine->use_ns = costs[c];
                rts_cpu_guard_init(&guard, limits[l], frequencies[f]);
                run_for(&guard, machine, 20);
                uint64_t shed = machine->shed, taken = machine->taken;
                unsigned changes = machine->changes;
                run_for(&guard, machine, 40);
                /* Where receiving alone is much, it takes until the frequency is low. */
                uint64_t receiving = 2ULL * frequencies[f] * machine->receive_ns * 100 / SECOND_NS;
                assert_in_range(busiest_second(machine, receiving * 4 >= limits[l] ? 800 : 0), 0,
                                limits[l] + 2);
                assert_in_range(machine->changes - changes, 0, 2);
                /* What is not needed any more is not shed; at the lowest frequency it may be. */
                shed = machine->shed - shed;
                taken = machine->taken - taken;
                if (machine->frequency > RTS_CPU_GUARD_FREQUENCY_MIN)
                    assert_true(shed * 50 <= taken);
                assert_true(machine->taken > machine->shed);
                free(machine);
            }
        }
    }
}

/* It does not throttle more than it must: most of what the limit allows is used. */
static void the_room_is_used(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(10000);
    rts_cpu_guard_init(&guard, 35, 10000);
    run_for(&guard, machine, 30);
    uint64_t before = machine->cpu_ns;
    run_for(&guard, machine, 30);
    assert_true(machine->cpu_ns - before >= 30 * SECOND_NS * 35 / 100 / 2);
    free(machine);
}

/* Shedding is never the first thing: at any time when it sheds, the frequency is not the full one.
 */
static void the_frequency_comes_first(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(10000);
    rts_cpu_guard_init(&guard, 35, 10000);
    for (int i = 0; i < 3000; i++) {
        tick(&guard, machine);
        if (guard.shedding)
            assert_true(guard.frequency < 10000);
    }
    assert_true(machine->shed > 0);
    free(machine);
}

/* Where the frequency cannot be changed, shedding alone holds the limit, in small doses. */
static void shedding_alone(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(10000);
    machine->deaf = true;
    rts_cpu_guard_init(&guard, 35, 10000);
    unsigned longest = 0, length = 0;
    run_for(&guard, machine, 5);
    for (int i = 0; i < 3000; i++) {
        uint64_t used = machine->taken - machine->shed;
        tick(&guard, machine);
        length = machine->taken - machine->shed > used ? 0 : length + 1;
        longest = length > longest ? length : longest;
    }
    assert_in_range(busiest_second(machine, 0), 0, 36);
    assert_in_range(longest, 1, 20); /* ticks without a sample used: a fifth of a second */
    assert_int_equal(guard.state, RTS_CPU_SHEDDING);
    free(machine);
}

static void it_recovers_and_says_so(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(1000);
    machine->use_ns = 1000000;
    rts_cpu_guard_init(&guard, 35, 1000);
    run_for(&guard, machine, 10);
    assert_true(machine->frequency < 500);
    assert_int_not_equal(guard.state, RTS_CPU_CALM);
    assert_true(rts_cpu_guard_has_news(&guard, machine->now_ns));
    assert_false(rts_cpu_guard_has_news(&guard, machine->now_ns));
    machine->use_ns = 1000;
    run_for(&guard, machine, 30);
    assert_int_equal(machine->frequency, 1000);
    assert_int_equal(guard.state, RTS_CPU_CALM);
    assert_true(rts_cpu_guard_has_news(&guard, machine->now_ns));
    assert_int_equal(guard.told, RTS_CPU_CALM);
    free(machine);
}

/* However often the state changes, people hear of it every ten seconds at most. */
static void news_are_rare(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(1000);
    rts_cpu_guard_init(&guard, 35, 1000);
    unsigned news = 0;
    for (int i = 0; i < 100; i++) {
        machine->use_ns = i % 2 ? 1000 : 1000000;
        run_for(&guard, machine, 1);
        news += rts_cpu_guard_has_news(&guard, machine->now_ns);
    }
    assert_in_range(news, 1, 10);
    free(machine);
}

/* Work that shedding cannot save, and that passes: nothing is shed for it. Naming a large program
 * for the first time is such. */
static void a_burst_of_other_work_passes(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(99);
    rts_cpu_guard_init(&guard, 35, 99);
    run_for(&guard, machine, 5);
    machine->other_ns = SECOND_NS * 9 / 10;
    run_for(&guard, machine, 1);
    machine->other_ns = 0;
    run_for(&guard, machine, 5);
    assert_int_equal(machine->shed, 0);
    assert_int_equal(machine->changes, 0);
    free(machine);
}

/* When it does not pass, everything that can be saved is. */
static void other_work_that_stays(void **state)
{
    (void)state;
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(99);
    rts_cpu_guard_init(&guard, 35, 99);
    machine->other_ns = SECOND_NS / 2;
    run_for(&guard, machine, 10);
    assert_true(guard.shedding);
    assert_int_equal(machine->frequency, RTS_CPU_GUARD_FREQUENCY_MIN);
    machine->other_ns = 0;
    run_for(&guard, machine, 30);
    assert_int_equal(guard.state, RTS_CPU_CALM);
    assert_int_equal(machine->frequency, 99);
    free(machine);
}

/* A machine that slept, a clock that stands still or goes back, an extreme setting. */
static void odd_readings(void **state)
{
    (void)state;
    static const struct rts_cpu_reading readings[] = {
        {0, 0, true, 99}, {0, 0, true, 99},         {UINT64_MAX, UINT64_MAX, true, 99},
        {5, 5, false, 1}, {UINT64_MAX, 3, true, 0}, {1ULL << 62, 1ULL << 63, false, UINT32_MAX},
    };
    static const uint32_t settings[][2] = {{35, 99}, {1, 1}, {UINT32_MAX, UINT32_MAX}, {100, 10}};
    for (size_t s = 0; s < 4; s++) {
        struct rts_cpu_guard guard;
        rts_cpu_guard_init(&guard, settings[s][0], settings[s][1]);
        for (size_t i = 0; i < 600; i++) {
            rts_cpu_guard_update(&guard, &readings[i * i % 6]);
            assert_in_range(guard.frequency, 0, UINT32_MAX);
        }
    }
    struct rts_cpu_guard guard;
    struct machine *machine = new_machine(99);
    rts_cpu_guard_init(&guard, 35, 99);
    run_for(&guard, machine, 5);
    machine->now_ns += 86400 * SECOND_NS;
    run_for(&guard, machine, 5);
    assert_int_equal(guard.state, RTS_CPU_CALM);
    assert_int_equal(machine->shed, 0);
    free(machine);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_light_load_is_left_alone),
        cmocka_unit_test(no_limit_no_guard),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(the_room_is_used),
        cmocka_unit_test(the_frequency_comes_first),
        cmocka_unit_test(shedding_alone),
        cmocka_unit_test(it_recovers_and_says_so),
        cmocka_unit_test(news_are_rare),
        cmocka_unit_test(a_burst_of_other_work_passes),
        cmocka_unit_test(other_work_that_stays),
        cmocka_unit_test(odd_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
