/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/alone.h"

#include <poll.h>
#include <unistd.h>

#include "binary/object_cache.h"
#include "process/maps.h"
#include "sampler/sampler.h"
#include "selftest/selftest.h"
#include "util/clock.h"

#define FREQUENCY    999
#define POLL_MS      5
#define PATIENCE_NS  ((uint64_t)20 * RTS_NS_PER_S)
#define IDLE_OBJECTS 64

/* What a sampler has around it, when nobody wants what comes out. */
struct surroundings {
    struct rts_account account;
    struct rts_opinions opinions;
    struct rts_self self;
    struct rts_object_cache *objects;
    struct rts_sampler sampler;
    struct rts_capture *capture;
    struct rts_selftest test;
};

static void kept(void *context, const struct rts_kept *kept_sample)
{
    (void)context, (void)kept_sample;
}

static void task(void *context, const struct rts_record *record)
{
    (void)context, (void)record;
}

static void mapped(void *context)
{
    (void)context;
}

static void take(void *context, const struct rts_unwind_task *unwind, uint64_t time)
{
    rts_selftest_take(context, unwind, time);
}

static void open_sampler(struct surroundings *around)
{
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    around->self = (struct rts_self){.pid = (int32_t)getpid(), .memory = -1};
    around->objects = rts_object_cache_create(IDLE_OBJECTS);
    const struct rts_sampler_setup setup = {
        .arch = rts_architecture_native(),
        .proc_root = "/proc",
        .self = &around->self,
        .objects = around->objects,
        .account = &around->account,
        .opinions = &around->opinions,
        .sink = {NULL, kept, task, mapped},
        .call_graph = RTS_CALL_GRAPH_DWARF,
        .cpu_count = cpus > 0 ? (unsigned)cpus : 1,
    };
    rts_sampler_init(&around->sampler, &setup);
}

static void forget(void *context, struct rts_object *object)
{
    if (rts_object_is_bare(object))
        rts_object_destroy(object);
    else
        rts_object_cache_unref(context, object);
}

static int open_capture(struct surroundings *around, bool by_ptrace, struct rts_error *error)
{
    const struct rts_guard_facts limits = {.ratio = 1};
    const struct rts_capture_options options = {
        .frequency = FREQUENCY,
        .call_graph = RTS_CALL_GRAPH_DWARF,
        .user_registers = rts_architecture_native()->perf_registers,
        .read_maps = rts_maps_read,
        .proc = {.root = "/proc"},
    };
    around->capture =
        by_ptrace ? rts_capture_create_ptrace(&options) : rts_capture_create_perf(&options, error);
    if (!around->capture)
        return -1;
    around->sampler.capture = around->capture;
    rts_pace_open(&around->sampler.pace, &limits, rts_capture_facts(around->capture)->frequency,
                  around->capture);
    return 0;
}

static int run_round(struct surroundings *around, struct rts_error *error)
{
    /* As we are: there is nothing in us that is anybody else's. */
    const struct rts_origin origin = {.known = true, .dumpable = 1};
    struct rts_selftest *test = &around->test;
    if (rts_selftest_begin(test, &origin, error) < 0)
        return -1;
    const int32_t pid = (int32_t)test->subject.pid;
    around->sampler.probe = (struct rts_sampler_probe){pid, test, take};
    if (rts_capture_add_process(around->capture, pid, error) < 0)
        return -1;
    const uint64_t end = rts_clock_monotonic_ns() + PATIENCE_NS;
    while (rts_selftest_turn(test) && rts_clock_monotonic_ns() < end) {
        poll(NULL, 0, POLL_MS);
        rts_sampler_drain(&around->sampler);
    }
    return 0;
}

int rts_selftest_alone(bool by_ptrace, struct rts_selftest_facts *facts, struct rts_error *error)
{
    struct surroundings around = {0};
    open_sampler(&around);
    int result =
        rts_selftest_open(&around.test, rts_architecture_native(), around.sampler.rules, error);
    if (result == 0)
        result = open_capture(&around, by_ptrace, error);
    if (result == 0)
        result = run_round(&around, error);
    *facts = around.test.facts;
    rts_selftest_close(&around.test);
    if (around.capture)
        rts_capture_destroy(around.capture);
    rts_sampler_finish(&around.sampler, forget, around.objects);
    rts_object_cache_destroy(around.objects);
    rts_opinions_finish(&around.opinions);
    return result;
}
