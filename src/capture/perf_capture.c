/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/backend.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/advice.h"
#include "capture/drain.h"
#include "capture/events.h"
#include "capture/flag_leak.h"
#include "capture/perf_limits.h"
#include "capture/perf_rings.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/time_namespace.h"

/* A record has at most 64 KiB, and sample_stack_user is a multiple of 8. */
#define STACK_BYTES_MAX 65528u
#define STACK_BYTES_MIN 4096u

/* Time that a ring should last, in milliseconds: what we hope for when it is made, and what the
 * automatic size of the stack copies leaves. On a loaded machine we may be kept waiting that long.
 */
#define RING_LASTS_WISH_MS 500
#define RING_LASTS_MIN_MS  60

/* How often records are taken while memory is read near samples, since what was read is larger; and
 * so how long a ring of these should last. */
#define NEAR_INTERVAL_MS 10
#define NEAR_LASTS_MS    30

/* How often new threads are looked for during attach before we call it a thread storm. Each round
 * only has the threads that were born during the round before. */
#define ATTACH_ROUNDS_MAX 64

/* Events of threads, while whole CPUs may be sampled: each takes some 70 us to open. */
#define EVENTS_MANY 4096

struct perf_capture {
    struct rts_capture base;
    struct rts_capture_options options;
    uint32_t frequency_max; /* what it began with */
    struct rts_perf_rings rings;
    struct rts_events events;
    struct rts_drain drain;
    struct rts_near near;
    bool settled; /* samples have come: all events have to be as they are */
    bool exclude_idle;
    bool cpus_refused; /* whole CPUs, when they were tried instead of many threads */
    int group; /* folder of the control group that whole CPUs are limited to; -1: none; not ours */
};

static struct perf_capture *perf_of(struct rts_capture *capture)
{
    return (struct perf_capture *)capture;
}

/* Are the times of records comparable with rts_clock_monotonic_ns()? */
static bool has_our_clock(const struct perf_capture *perf)
{
    return (perf->rings.features & RTS_FEATURE_CLOCK_ID) && !perf->base.facts.clock_is_off;
}

static struct rts_attr_request request_of(const struct perf_capture *perf, bool inherit)
{
    return (struct rts_attr_request){
        .frequency = perf->base.facts.frequency,
        .call_graph = perf->options.call_graph,
        .stack_bytes = perf->base.facts.stack_bytes,
        .user_registers = perf->options.user_registers,
        .inherit = inherit,
        .enable_on_exec = perf->options.enable_on_exec,
        .exclude_idle = perf->exclude_idle,
    };
}

/* Of one sample: registers, header and ids beside the stack copy have less than 1 KiB. */
static uint64_t record_bytes(const struct perf_capture *perf, uint32_t automatic)
{
    if (perf->options.call_graph != RTS_CALL_GRAPH_DWARF)
        return 2048;
    return 1024 + (perf->options.stack_bytes ? perf->options.stack_bytes : automatic);
}

/* As much of every stack as there can be: what is not used costs room in the ring and no time. Less
 * when the ring would not last. */
static uint32_t automatic_stack_bytes(const struct perf_capture *perf)
{
    uint32_t bytes = STACK_BYTES_MAX;
    while (bytes / 2 >= STACK_BYTES_MIN &&
           record_bytes(perf, bytes) * perf->base.facts.frequency * RING_LASTS_MIN_MS / 1000 >
               perf->base.facts.ring_bytes)
        bytes = bytes / 2 / 8 * 8;
    return bytes;
}

/* Those of a whole CPU are limited to the control group, if there is one. */
static int open_attr(const struct perf_capture *perf, const struct perf_event_attr *attr,
                     int32_t tid, uint32_t cpu)
{
    return tid < 0 && perf->group >= 0 ? rts_perf_event_open_group(attr, perf->group, cpu)
                                       : rts_perf_event_open(attr, tid, cpu);
}

/* Opens the sampling event for (tid, cpu), going down the ladder. Returns 1 when it is open, 0 when
 * the thread or the CPU is gone, -1 on failure. */
static int open_event(struct perf_capture *perf, int32_t tid, uint32_t cpu, int32_t pid,
                      struct rts_error *error)
{
    for (;;) {
        struct rts_attr_request request = request_of(perf, tid >= 0);
        struct perf_event_attr attr;
        rts_attr_fill(&attr, &request, perf->rings.features);
        int fd = open_attr(perf, &attr, tid, cpu);
        if (fd >= 0) {
            if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, perf->rings.owners[cpu]) < 0) {
                int number = errno;
                close(fd);
                return rts_fail_errno(error, number, "cannot redirect a perf event into its ring");
            }
            rts_events_add(&perf->events, fd, tid, cpu);
            return 1;
        }
        int number = errno;
        if (number == ESRCH || number == ENODEV)
            return 0;
        if (number == EMFILE || number == ENFILE)
            return rts_perf_too_many_files(pid, error);
        /* Only the first event may choose the rung, since all events of a run are alike; and the
         * clock is chosen already, by the rings. */
        bool ids = perf->rings.features & (RTS_FEATURE_CGROUP_IDS | RTS_FEATURE_BUILD_IDS);
        bool may_step = perf->events.count == 0 && !perf->settled &&
                        (number == EACCES || number == EPERM || (number == EINVAL && ids));
        enum rts_feature given_up =
            may_step ? rts_attr_step_down(&perf->rings.features, number) : 0;
        if (!given_up)
            return rts_capture_refused(&perf->options.proc,
                                       tid < 0 ? RTS_PERF_CPUS : RTS_PERF_PROCESS, pid, number,
                                       error);
        if (given_up == RTS_FEATURE_KERNEL_SIDE)
            perf->base.facts.kernel_side_error = number;
        perf->rings.gave_up |= given_up;
        perf->base.facts.gave_up = perf->rings.gave_up;
    }
}

static int open_thread(struct perf_capture *perf, int32_t tid, int32_t pid, struct rts_error *error)
{
    for (uint32_t cpu = 0; cpu < perf->rings.cpu_count; cpu++) {
        if (perf->rings.owners[cpu] < 0)
            continue;
        if (open_event(perf, tid, cpu, pid, error) < 0)
            return -1;
    }
    return 0;
}

/* Would events of whole CPUs do the same, for less? */
static bool cpus_are_better(struct perf_capture *perf)
{
    if (perf->events.count < EVENTS_MANY || perf->cpus_refused)
        return false;
    size_t before = perf->events.count;
    perf->cpus_refused = open_thread(perf, -1, -1, NULL) < 0;
    rts_events_cut(&perf->events, before);
    return !perf->cpus_refused;
}

/* Opens the threads of `pid` that are not open yet. Returns how many there were, or -1. */
static int open_new_threads(struct perf_capture *perf, int32_t pid, struct rts_error *error)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT || errno == ESRCH
                   ? rts_fail(error, RTS_NOT_FOUND, "no process with pid %d", (int)pid)
                   : rts_fail_errno(error, errno, "cannot list the threads of process %d",
                                    (int)pid);
    bool events_before = perf->events.count > 0;
    int opened = 0;
    for (struct dirent *entry; opened >= 0 && (entry = readdir(directory));) {
        int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0 || rts_events_has_thread(&perf->events, tid))
            continue;
        if (cpus_are_better(perf))
            opened = rts_perf_too_many_events(pid, error);
        else
            opened = open_thread(perf, tid, pid, error) < 0 ? -1 : opened + 1;
    }
    closedir(directory);
    /* These were listed after another event was open already, which they may have inherited. */
    if (opened > 0 && events_before)
        perf->events.ambiguous = true;
    return opened;
}

static int add_process(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    size_t before = perf->events.count;
    for (int round = 0; round < ATTACH_ROUNDS_MAX; round++) {
        struct rts_error failure;
        int opened = open_new_threads(perf, pid, &failure);
        if (opened > 0)
            continue;
        if (opened == 0)
            return 0;
        if (failure.failure == RTS_NOT_FOUND && perf->events.count > before)
            return 0; /* it has ended meanwhile: a short run, not a failure */
        if (error)
            *error = failure;
        return -1;
    }
    return 0; /* what is born now inherits */
}

static int add_again(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    perf->options.enable_on_exec = false; /* that is behind it */
    perf->settled = true;
    rts_events_remove_thread(&perf->events, pid);
    return add_process(capture, pid, error);
}

static int add_cpus(struct rts_capture *capture, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    return open_thread(perf, -1, -1, error);
}

static int open_group(struct perf_capture *perf, int folder, struct rts_error *error)
{
    perf->group = folder;
    int result = open_thread(perf, -1, -1, error);
    perf->group = -1;
    return result;
}

static int add_group(struct rts_capture *capture, int folder, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    unsigned features = perf->rings.features, gave_up = perf->rings.gave_up;
    int kernel_side_error = perf->base.facts.kernel_side_error;
    int result = folder < 0 ? rts_fail_errno(error, EBADF, "the control group cannot be opened")
                            : open_group(perf, folder, error);
    if (result == 0)
        return 0;
    /* Single processes may be permitted what whole CPUs are not. */
    rts_events_finish(&perf->events);
    perf->rings.features = features;
    perf->rings.gave_up = gave_up | RTS_FEATURE_CGROUP_EVENTS;
    perf->base.facts.gave_up = perf->rings.gave_up;
    perf->base.facts.kernel_side_error = kernel_side_error;
    return -1;
}

static int turn_to_cpus(struct rts_capture *capture, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    size_t before = perf->events.count;
    if (!has_our_clock(perf))
        return rts_fail(error, RTS_FAILED, "the kernel does not tell times on our clock");
    perf->options.enable_on_exec = false; /* that is behind those that are sampled */
    perf->exclude_idle = true;
    if (open_thread(perf, -1, -1, error) < 0) {
        rts_events_cut(&perf->events, before);
        perf->exclude_idle = false;
        return -1;
    }
    rts_events_replace(&perf->events, before);
    return 0;
}

static void close_events(struct rts_capture *capture)
{
    struct perf_capture *perf = perf_of(capture);
    rts_events_finish(&perf->events);
}

static int set_frequency(struct rts_capture *capture, uint32_t frequency, struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    uint32_t highest = perf->frequency_max;
    perf->base.facts.frequency = frequency < 1 ? 1 : frequency < highest ? frequency : highest;
    int result =
        rts_events_set_period(&perf->events, (uint64_t)RTS_NS_PER_S / perf->base.facts.frequency);
    return result == 0 ? 0
                       : rts_fail_errno(error, -result, "cannot change the frequency to %u Hz",
                                        perf->base.facts.frequency);
}

static int interval_ms(const struct rts_capture *capture)
{
    const struct perf_capture *perf = (const struct perf_capture *)capture;
    uint64_t bytes_per_second =
        perf->frequency_max * record_bytes(perf, perf->base.facts.stack_bytes);
    bool near_too = rts_near_is_on(&perf->near);
    size_t bytes = near_too ? perf->rings.near_bytes : perf->base.facts.ring_bytes;
    uint64_t longest = near_too ? NEAR_INTERVAL_MS : 100;
    uint64_t quarter_full_ms = bytes / 4 * 1000 / bytes_per_second;
    return quarter_full_ms < 5         ? 5
           : quarter_full_ms > longest ? (int)longest
                                       : (int)quarter_full_ms;
}

static void stop(struct rts_capture *capture)
{
    struct perf_capture *perf = perf_of(capture);
    rts_events_control(&perf->events, PERF_EVENT_IOC_DISABLE);
    perf->near.ending = true;
}

static struct rts_record_layout layout_of(const struct perf_capture *perf)
{
    struct rts_attr_request request = request_of(perf, false);
    struct perf_event_attr attr;
    rts_attr_fill(&attr, &request, perf->rings.features);
    return (struct rts_record_layout){
        .sample_type = attr.sample_type,
        .user_registers = attr.sample_regs_user,
        .sample_id_all = attr.sample_id_all,
        .build_id_flag = perf->rings.features & RTS_FEATURE_BUILD_IDS ? RTS_BUILD_ID_FLAG_HOLDS
                                                                      : RTS_BUILD_ID_FLAG_FOREIGN,
    };
}

static void drain(struct rts_capture *capture, const struct rts_capture_sink *sink)
{
    struct perf_capture *perf = perf_of(capture);
    const struct rts_record_layout layout = layout_of(perf);
    rts_drain_run(&perf->drain, perf->rings.items, 2 * perf->rings.cpu_count, &layout,
                  has_our_clock(perf) ? rts_clock_monotonic_ns : NULL, &perf->events, sink);
    perf->base.facts.near = perf->near.counts;
    perf->base.facts.passed_on_ns = perf->drain.passed_on;
}

static int near(struct rts_capture *capture, int32_t pid, const struct rts_near_plan *plan,
                struct rts_error *error)
{
    struct perf_capture *perf = perf_of(capture);
    if (!has_our_clock(perf))
        return rts_fail(error, RTS_FAILED, "the kernel does not tell times on our clock");
    if (perf->options.call_graph != RTS_CALL_GRAPH_DWARF)
        return rts_fail(error, RTS_FAILED, "stacks are not copied");
    perf->near.layout = layout_of(perf);
    perf->near.ring_bytes_least = record_bytes(perf, perf->base.facts.stack_bytes) *
                                  perf->base.facts.frequency * NEAR_LASTS_MS / 1000;
    return rts_near_want(&perf->near, pid, plan, error);
}

static void leave_near(struct rts_capture *capture, int32_t pid)
{
    rts_near_leave(&perf_of(capture)->near, pid);
}

static size_t poll_fds(const struct rts_capture *capture, struct pollfd *fds, size_t capacity)
{
    return rts_perf_rings_poll_fds(&((const struct perf_capture *)capture)->rings, fds, capacity);
}

static void mark_end(struct rts_capture *capture)
{
    rts_perf_rings_mark_end(&perf_of(capture)->rings);
}

static void destroy(struct rts_capture *capture)
{
    struct perf_capture *perf = perf_of(capture);
    rts_near_finish(&perf->near);
    rts_events_finish(&perf->events);
    rts_perf_rings_finish(&perf->rings);
    rts_drain_finish(&perf->drain);
    free(perf);
}

static const struct rts_capture_backend backend = {
    .destroy = destroy,
    .add_process = add_process,
    .add_again = add_again,
    .add_cpus = add_cpus,
    .add_group = add_group,
    .turn_to_cpus = turn_to_cpus,
    .near = near,
    .leave_near = leave_near,
    .close_events = close_events,
    .set_frequency = set_frequency,
    .interval_ms = interval_ms,
    .poll_fds = poll_fds,
    .stop = stop,
    .mark_end = mark_end,
    .drain = drain,
};

/* Build-ids are for us to do without, rather than for others to be misled by. */
static void choose_build_ids(struct rts_perf_rings *rings)
{
    if (rts_flag_leak_try() == RTS_FLAG_LEAK_NONE)
        rings->features |= RTS_FEATURE_BUILD_IDS;
    else
        rings->gave_up |= RTS_FEATURE_BUILD_IDS;
}

struct rts_capture *rts_capture_create_perf(const struct rts_capture_options *options,
                                            struct rts_error *error)
{
    struct perf_capture *perf = rts_calloc(1, sizeof *perf);
    struct rts_capture_facts *facts = &perf->base.facts;
    uint32_t limit = rts_perf_max_frequency();
    perf->base.backend = &backend;
    perf->options = *options;
    perf->group = -1;
    perf->near = (struct rts_near){
        .rings = &perf->rings, .events = &perf->events, .broker = options->proc.broker};
    perf->drain.near = &perf->near;
    facts->method = "perf:cpu-clock";
    facts->frequency = options->frequency < limit ? options->frequency : limit;
    perf->frequency_max = facts->frequency;
    rts_perf_raise_file_limit();
    facts->clock_is_off = !rts_time_namespace_offset("/proc", &perf->drain.clock_offset_ns);
    perf->near.clock_offset_ns = perf->drain.clock_offset_ns;
    rts_perf_rings_init(&perf->rings, RTS_FEATURE_CLOCK_ID | RTS_FEATURE_KERNEL_SIDE);
    if (options->build_ids)
        choose_build_ids(&perf->rings);
    uint64_t wish =
        record_bytes(perf, STACK_BYTES_MAX) * facts->frequency * RING_LASTS_WISH_MS / 1000;
    if (rts_perf_rings_map(&perf->rings, wish, error) < 0) {
        destroy(&perf->base);
        return NULL;
    }
    perf->rings.features |= RTS_FEATURE_CGROUP_IDS; /* of samples only */
    facts->gave_up = perf->rings.gave_up;
    facts->ring_bytes = perf->rings.bytes;
    facts->cpus = perf->rings.cpus;
    if (options->call_graph == RTS_CALL_GRAPH_DWARF)
        facts->stack_bytes =
            options->stack_bytes ? options->stack_bytes : automatic_stack_bytes(perf);
    return &perf->base;
}
