/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "guard/rate_limit.h"

#define SECOND_NS 1000000000ULL
#define START_NS  (123456 * SECOND_NS + 789)

/* One sample of a stream, and what became of it. */
struct event {
    uint64_t time_ns, instance;
    bool kept;
};

struct stream {
    struct event *events;
    size_t count, capacity;
};

static void add(struct stream *stream, uint64_t time_ns, uint64_t instance)
{
    if (stream->count == stream->capacity) {
        stream->capacity = stream->capacity ? 2 * stream->capacity : 1024;
        stream->events = realloc(stream->events, stream->capacity * sizeof *stream->events);
        assert_non_null(stream->events);
    }
    stream->events[stream->count++] = (struct event){.time_ns = time_ns, .instance = instance};
}

static uint64_t random_state;

/* The same numbers everywhere: splitmix64. */
static uint64_t draw(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

/* Samples at a fixed rate between two times, as a processor's timer makes them. */
static void add_steady(struct stream *stream, uint64_t instance, double per_second, double from,
                       double until)
{
    for (uint64_t i = 0;; i++) {
        double at = from + (double)i / per_second;
        if (at >= until)
            return;
        add(stream, START_NS + (uint64_t)(at * 1e9), instance);
    }
}

/* Samples at random times. */
static void add_random(struct stream *stream, uint64_t instance, size_t count, double from,
                       double until)
{
    for (size_t i = 0; i < count; i++)
        add(stream, START_NS + (uint64_t)(from * 1e9) + draw() % (uint64_t)((until - from) * 1e9),
            instance);
}

static int by_time(const void *left, const void *right)
{
    const struct event *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (a->instance > b->instance) - (a->instance < b->instance);
}

static void sort(struct stream *stream)
{
    qsort(stream->events, stream->count, sizeof *stream->events, by_time);
}

static void run(struct stream *stream, uint32_t per_second)
{
    struct rts_rate_limit *limit = rts_rate_limit_create(per_second);
    for (size_t i = 0; i < stream->count; i++)
        stream->events[i].kept =
            rts_rate_limit_admit(limit, stream->events[i].instance, stream->events[i].time_ns);
    rts_rate_limit_destroy(limit);
}

static void done(struct stream *stream)
{
    free(stream->events);
    *stream = (struct stream){0};
}

/* The oracle of the bound: for every kept sample, those kept in the second that begins with it. */
static size_t most_in_a_second(const struct stream *stream)
{
    size_t most = 0, end = 0, within = 0;
    for (size_t i = 0; i < stream->count; i++) {
        while (end < stream->count &&
               stream->events[end].time_ns - stream->events[i].time_ns < SECOND_NS)
            within += stream->events[end++].kept;
        if (within > most)
            most = within;
        within -= stream->events[i].kept;
    }
    return most;
}

/* Kept samples of an instance (0: of all) between two times. */
static size_t kept(const struct stream *stream, uint64_t instance, double from, double until)
{
    size_t count = 0;
    for (size_t i = 0; i < stream->count; i++) {
        const struct event *event = &stream->events[i];
        double at = (double)(event->time_ns - START_NS) / 1e9;
        count += event->kept && at >= from && at < until &&
                 (instance == 0 || event->instance == instance);
    }
    return count;
}

static size_t offered(const struct stream *stream, uint64_t instance)
{
    size_t count = 0;
    for (size_t i = 0; i < stream->count; i++)
        count += stream->events[i].instance == instance;
    return count;
}

static void no_limit(void **state)
{
    (void)state;
    struct stream stream = {0};
    for (int i = 0; i < 10000; i++)
        add(&stream, START_NS, 1);
    run(&stream, 0);
    assert_int_equal(kept(&stream, 0, 0, 1), 10000);
    done(&stream);
    rts_rate_limit_destroy(NULL);
}

/* Streams of all kinds, limits from 1 on: no second has more than the limit. */
static void never_more_than_the_limit(void **state)
{
    (void)state;
    static const uint32_t limits[] = {1, 2, 3, 4, 7, 10, 16, 50, 99, 500, 1000, 5000};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            random_state = seed;
            struct stream stream = {0};
            for (uint64_t instance = 1; instance <= 1 + draw() % 30; instance++) {
                double from = (double)(draw() % 4), length = 0.01 + (double)(draw() % 3000) / 1000;
                if (draw() % 2)
                    add_steady(&stream, instance, (double)(1 + draw() % 5000), from, from + length);
                else
                    add_random(&stream, instance, draw() % 5000, from, from + length);
            }
            sort(&stream);
            run(&stream, limits[l]);
            assert_in_range(most_in_a_second(&stream), 1, limits[l]);
            done(&stream);
        }
    }
}

/* Whoever stays below the limit loses nothing, however the samples of several processors coincide.
 */
static void nothing_is_dropped_below_the_limit(void **state)
{
    (void)state;
    struct stream stream = {0};
    for (uint64_t cpu = 1; cpu <= 5; cpu++)
        add_steady(&stream, cpu, 99, 0, 10);
    sort(&stream);
    run(&stream, 500);
    assert_int_equal(kept(&stream, 0, 0, 10), stream.count);
    done(&stream);

    add_steady(&stream, 1, 499, 0, 10);
    run(&stream, 500);
    assert_int_equal(kept(&stream, 0, 0, 10), stream.count);
    done(&stream);
}

/* A flood is thinned to nearly the limit, and evenly: each tenth of a second has its part. */
static void a_flood_is_spread(void **state)
{
    (void)state;
    struct stream stream = {0};
    add_steady(&stream, 1, 10000, 0, 12);
    run(&stream, 500);
    assert_in_range(most_in_a_second(&stream), 460, 500);
    for (int tenth = 20; tenth < 120; tenth++)
        assert_in_range(kept(&stream, 0, tenth / 10.0, tenth / 10.0 + 0.1), 42, 52);
    /* Nor is the first second's part taken at once. */
    assert_true(kept(&stream, 0, 0, 0.1) < 150);
    assert_true(kept(&stream, 0, 0.5, 1) > 150);
    done(&stream);
}

/* One process that is rarely seen, at random times, while another one floods. */
static void a_rare_process_is_kept_in_a_flood(void **state)
{
    (void)state;
    static const uint32_t limits[] = {10, 50, 100, 500};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        for (int every = 1; every <= 8; every *= 2) { /* seconds; some are forgotten in between */
            random_state = 77;
            struct stream stream = {0};
            add_steady(&stream, 1, 5000, 0, 200);
            for (double at = 2; at < 200; at += every)
                add_random(&stream, 2, 1, at, at + 0.2 * every);
            sort(&stream);
            run(&stream, limits[l]);
            assert_true(kept(&stream, 2, 0, 300) * 100 >= offered(&stream, 2) * 95);
            size_t for_the_greedy = limits[l] - limits[l] / 16 - 2;
            assert_true(kept(&stream, 0, 2, 200) >= 198 * for_the_greedy * 95 / 100);
            assert_in_range(most_in_a_second(&stream), 1, limits[l]);
            done(&stream);
        }
    }
}

/* Processes that all ask for too much get equal parts, even when their samples come in lockstep,
 * and the modest among them keep theirs. */
static void the_greedy_share(void **state)
{
    (void)state;
    struct stream stream = {0};
    random_state = 5;
    for (uint64_t greedy = 1; greedy <= 4; greedy++)
        add_steady(&stream, greedy, greedy == 1 ? 8000 : 1000, 0, 30);
    for (uint64_t modest = 101; modest <= 120; modest++)
        add_random(&stream, modest, 60, 0, 30);
    sort(&stream);
    run(&stream, 500);
    size_t least = SIZE_MAX, most = 0;
    for (uint64_t greedy = 1; greedy <= 4; greedy++) {
        size_t part = kept(&stream, greedy, 2, 30);
        least = part < least ? part : least;
        most = part > most ? part : most;
    }
    assert_true(least * 100 >= most * 85);
    size_t modest_kept = 0, modest_offered = 0;
    for (uint64_t modest = 101; modest <= 120; modest++) {
        modest_kept += kept(&stream, modest, 0, 30);
        modest_offered += offered(&stream, modest);
    }
    assert_true(modest_kept * 100 >= modest_offered * 95);
    assert_true(kept(&stream, 0, 2, 30) >= 28 * 500 * 90 / 100);
    assert_in_range(most_in_a_second(&stream), 1, 500);
    done(&stream);
}

/* When one of two floods ends, the other one gets what was its part, soon. */
static void what_is_left_is_given_to_others(void **state)
{
    (void)state;
    struct stream stream = {0};
    add_steady(&stream, 1, 5000, 0, 10);
    add_steady(&stream, 2, 5000, 0, 5);
    sort(&stream);
    run(&stream, 500);
    assert_in_range(kept(&stream, 1, 2, 5), 3 * 200, 3 * 260);
    assert_true(kept(&stream, 1, 6, 10) >= 4 * 440);
    done(&stream);
}

/* 400 processes a second come, take twenty samples each and go: nearly all of them are seen, and
 * the one that stays has a part like theirs, about one in a second. */
static void a_storm_of_processes(void **state)
{
    (void)state;
    struct stream stream = {0};
    random_state = 9;
    for (uint64_t i = 0; i < 400 * 20; i++)
        add_steady(&stream, 1000 + i, 10000, (double)i / 400, (double)i / 400 + 0.002);
    add_random(&stream, 1, 40, 0, 20); /* two a second */
    sort(&stream);
    run(&stream, 500);
    size_t seen = 0;
    for (uint64_t i = 0; i < 400; i++)
        seen += kept(&stream, 1000 + 400 * 10 + i, 0, 30) > 0;
    assert_true(seen > 350);
    assert_true(kept(&stream, 1, 0, 20) >= 14);
    assert_in_range(most_in_a_second(&stream), 1, 500);
    done(&stream);
}

/* More processes than are told apart: the bounds hold, in memory too. */
static void more_processes_than_are_told_apart(void **state)
{
    (void)state;
    struct stream stream = {0};
    for (uint64_t i = 0; i < 60000; i++)
        add(&stream, START_NS + i * (SECOND_NS / 20000), 1 + i);
    run(&stream, 500);
    assert_in_range(most_in_a_second(&stream), 400, 500);
    done(&stream);
}

static void equal_input_equal_choice(void **state)
{
    (void)state;
    struct stream stream = {0};
    random_state = 21;
    for (uint64_t instance = 1; instance < 50; instance++)
        add_random(&stream, instance, 1000, 0, 10);
    sort(&stream);
    run(&stream, 300);
    struct event *first = malloc(stream.count * sizeof *first);
    assert_non_null(first);
    memcpy(first, stream.events, stream.count * sizeof *first);
    run(&stream, 300);
    for (size_t i = 0; i < stream.count; i++)
        assert_int_equal(stream.events[i].kept, first[i].kept);
    /* Only differences of time count: an hour later is the same. */
    for (size_t i = 0; i < stream.count; i++)
        stream.events[i].time_ns += 3600 * SECOND_NS;
    run(&stream, 300);
    for (size_t i = 0; i < stream.count; i++)
        assert_int_equal(stream.events[i].kept, first[i].kept);
    free(first);
    done(&stream);
}

/* Times that are out of order by up to a tenth of a second count when they come: so a second of
 * their own time can hold what 1.1 seconds of arrival may. */
static void times_out_of_order(void **state)
{
    (void)state;
    struct stream stream = {0};
    random_state = 3;
    for (uint64_t i = 0; i < 50000; i++)
        add(&stream, START_NS + SECOND_NS / 10 + i * (SECOND_NS / 5000) - draw() % (SECOND_NS / 10),
            1 + draw() % 5);
    run(&stream, 500);
    sort(&stream);
    assert_in_range(most_in_a_second(&stream), 400, 550);
    assert_true(kept(&stream, 0, 0, 20) >= 10 * 500 * 85 / 100);
    done(&stream);
}

/* A clock that was set back does not stop the sampling until it has caught up. */
static void a_clock_that_is_set_back(void **state)
{
    (void)state;
    struct stream stream = {0};
    add_steady(&stream, 1, 1000, 3600, 3605);
    size_t before = stream.count;
    add_steady(&stream, 1, 1000, 0, 5);
    run(&stream, 100);
    assert_true(kept(&stream, 0, 0, 5) >= 5 * 85);
    for (size_t i = 0; i < before; i++)
        stream.events[i].kept = false;
    assert_in_range(most_in_a_second(&stream), 80, 100);
    done(&stream);
}

static void one_time_for_all(void **state)
{
    (void)state;
    struct stream stream = {0};
    for (uint64_t i = 0; i < 10000; i++)
        add(&stream, START_NS, i % 7);
    run(&stream, 100);
    assert_in_range(most_in_a_second(&stream), 10, 100);
    done(&stream);
}

/* Any times at all: nothing overflows, and it goes on. */
static void hostile_times(void **state)
{
    (void)state;
    static const uint64_t times[] = {0, UINT64_MAX, 1, UINT64_MAX - 1, SECOND_NS, 1ULL << 63};
    static const uint32_t limits[] = {1, 500, UINT32_MAX};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct rts_rate_limit *limit = rts_rate_limit_create(limits[l]);
        random_state = 1;
        size_t count = 0;
        for (int i = 0; i < 20000; i++) {
            uint64_t time_ns = draw() % 2 ? times[draw() % 6] : draw();
            count += rts_rate_limit_admit(limit, draw() % 100, time_ns);
        }
        assert_true(count > 1000);
        rts_rate_limit_destroy(limit);
    }
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit),
        cmocka_unit_test(never_more_than_the_limit),
        cmocka_unit_test(nothing_is_dropped_below_the_limit),
        cmocka_unit_test(a_flood_is_spread),
        cmocka_unit_test(a_rare_process_is_kept_in_a_flood),
        cmocka_unit_test(the_greedy_share),
        cmocka_unit_test(what_is_left_is_given_to_others),
        cmocka_unit_test(a_storm_of_processes),
        cmocka_unit_test(more_processes_than_are_told_apart),
        cmocka_unit_test(equal_input_equal_choice),
        cmocka_unit_test(times_out_of_order),
        cmocka_unit_test(a_clock_that_is_set_back),
        cmocka_unit_test(one_time_for_all),
        cmocka_unit_test(hostile_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
