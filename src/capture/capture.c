/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/advice.h"
#include "capture/drain.h"
#include "capture/events.h"
#include "capture/ring.h"
#include "util/cleanup.h"
#include "util/memory.h"

#define SECOND_NS 1000000000ULL

/* All rings together; each CPU gets an equal part, within the limits below. */
#define RING_BUDGET    ((size_t)64 << 20)
#define RING_BYTES_MAX ((size_t)16 << 20)
#define RING_BYTES_MIN ((size_t)64 << 10)

/* A record has at most 64 KiB, and sample_stack_user is a multiple of 8. */
#define STACK_BYTES_MAX 65528u
#define STACK_BYTES_MIN 4096u

/* Time that a ring should last, in milliseconds: what we hope for when it is made, and what the
 * automatic size of the stack copies leaves. On a loaded machine we may be kept waiting that long.
 */
#define RING_LASTS_WISH_MS 500
#define RING_LASTS_MIN_MS  60

/* How often new threads are looked for during attach before we call it a thread storm. Each round
 * only has the threads that were born during the round before. */
#define ATTACH_ROUNDS_MAX 64

struct rts_capture {
    struct rts_capture_options options;
    struct rts_capture_facts facts;
    uint32_t frequency_max; /* what it began with */
    unsigned features;
    unsigned cpu_count; /* configured CPUs: rings[cpu].page is NULL for those that are offline */
    struct rts_ring *rings;
    int *owners;       /* per CPU: the dummy event that the ring belongs to, -1 if offline */
    bool ring_refused; /* the last failure was that of a ring's mmap() */
    struct rts_events events;
    struct rts_drain drain;
};

static int event_open(const struct perf_event_attr *attr, int32_t pid, uint32_t cpu)
{
    return (int)syscall(SYS_perf_event_open, attr, (pid_t)pid, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint32_t max_frequency(void)
{
    RTS_FCLOSE FILE *file = fopen("/proc/sys/kernel/perf_event_max_sample_rate", "re");
    unsigned limit;
    return file && fscanf(file, "%u", &limit) == 1 && limit > 0 ? limit : UINT_MAX;
}

static struct rts_attr_request request_of(const struct rts_capture *capture, bool inherit)
{
    return (struct rts_attr_request){
        .frequency = capture->facts.frequency,
        .call_graph = capture->options.call_graph,
        .stack_bytes = capture->facts.stack_bytes,
        .user_registers = capture->options.user_registers,
        .inherit = inherit,
        .enable_on_exec = capture->options.enable_on_exec,
    };
}

/* A dummy event that owns the ring of one CPU. Its clock must be that of the events redirected into
 * the ring. */
static int open_owner(uint32_t cpu, unsigned features, size_t ring_bytes)
{
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_period = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .comm = 1, /* for rts_capture_mark_end() */
        .sample_id_all = 1,
        .sample_type = RTS_ATTR_COMMON_TYPE,
        .watermark = 1,
        .wakeup_watermark = (uint32_t)(ring_bytes / 4),
    };
    if (features & RTS_FEATURE_CLOCK_ID) {
        attr.use_clockid = 1;
        attr.clockid = CLOCK_MONOTONIC;
    }
    return event_open(&attr, 0, cpu);
}

/* Opens the owner and maps the ring of one CPU with capture->facts.ring_bytes. Returns 0, or
 * -errno; an offline CPU counts as success without a ring. */
static int map_cpu(struct rts_capture *capture, uint32_t cpu)
{
    int fd;
    while ((fd = open_owner(cpu, capture->features, capture->facts.ring_bytes)) < 0) {
        int number = errno;
        if (number == ENODEV || (number == EINVAL && capture->facts.cpus > 0))
            return 0;
        enum rts_feature given_up = rts_attr_step_down(&capture->features, number);
        if (!given_up)
            return -number;
        capture->facts.gave_up |= given_up;
    }
    int result = rts_ring_map(&capture->rings[cpu], fd, capture->facts.ring_bytes);
    capture->ring_refused = result < 0;
    if (result < 0) {
        close(fd);
        return result;
    }
    capture->owners[cpu] = fd;
    capture->facts.cpus++;
    return 0;
}

static void unmap_all(struct rts_capture *capture)
{
    for (uint32_t cpu = 0; cpu < capture->cpu_count; cpu++) {
        rts_ring_unmap(&capture->rings[cpu]);
        if (capture->owners[cpu] >= 0)
            close(capture->owners[cpu]);
        capture->owners[cpu] = -1;
    }
    capture->facts.cpus = 0;
}

/* Of one sample: registers, header and ids beside the stack copy have less than 1 KiB. */
static uint64_t record_bytes(const struct rts_capture *capture, uint32_t automatic)
{
    if (capture->options.call_graph != RTS_CALL_GRAPH_DWARF)
        return 2048;
    return 1024 + (capture->options.stack_bytes ? capture->options.stack_bytes : automatic);
}

/* Maps all rings with one size: the largest that the locked-memory limit lets us have. */
static int map_all(struct rts_capture *capture, struct rts_error *error)
{
    size_t bytes = RING_BYTES_MAX;
    uint64_t wish = record_bytes(capture, STACK_BYTES_MAX) * capture->facts.frequency *
                    RING_LASTS_WISH_MS / 1000;
    while (bytes > RING_BYTES_MIN &&
           (bytes * capture->cpu_count > RING_BUDGET || bytes / 2 >= wish))
        bytes /= 2;
    for (;; bytes /= 2) {
        capture->facts.ring_bytes = bytes;
        int result = 0;
        for (uint32_t cpu = 0; cpu < capture->cpu_count && result == 0; cpu++)
            result = map_cpu(capture, cpu);
        if (result == 0 && capture->facts.cpus > 0)
            return 0;
        unmap_all(capture);
        bool for_lack_of_memory = result == -EPERM || result == -ENOMEM || result == -EINVAL;
        if (result == 0)
            return rts_fail(error, RTS_FAILED, "no CPU takes a perf event");
        if (bytes > RING_BYTES_MIN && for_lack_of_memory)
            continue;
        return capture->ring_refused
                   ? rts_fail(
                         error, RTS_NOT_PERMITTED,
                         "cannot map %zu bytes of ring for each CPU: %s; raise "
                         "kernel.perf_event_mlock_kb or the limit on locked memory (ulimit -l), "
                         "or end other profilers of this user",
                         bytes, strerror(-result))
                   : rts_capture_refused(-result, -1, error);
    }
}

/* As much of every stack as there can be: what is not used costs room in the ring and no time. Less
 * when the ring would not last. */
static uint32_t automatic_stack_bytes(const struct rts_capture *capture)
{
    uint32_t bytes = STACK_BYTES_MAX;
    while (bytes / 2 >= STACK_BYTES_MIN &&
           record_bytes(capture, bytes) * capture->facts.frequency * RING_LASTS_MIN_MS / 1000 >
               capture->facts.ring_bytes)
        bytes = bytes / 2 / 8 * 8;
    return bytes;
}

/* One event per thread and CPU: a process of many threads needs many. */
static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct rts_capture *rts_capture_create(const struct rts_capture_options *options,
                                       struct rts_error *error)
{
    struct rts_capture *capture = rts_calloc(1, sizeof *capture);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    capture->options = *options;
    capture->features = RTS_FEATURE_CLOCK_ID | RTS_FEATURE_KERNEL_SIDE;
    capture->cpu_count = cpus > 0 ? (unsigned)cpus : 1;
    capture->rings = rts_calloc(capture->cpu_count, sizeof *capture->rings);
    capture->owners = rts_calloc(capture->cpu_count, sizeof *capture->owners);
    for (unsigned cpu = 0; cpu < capture->cpu_count; cpu++)
        capture->owners[cpu] = -1;
    raise_fd_limit();
    uint32_t limit = max_frequency();
    capture->facts.frequency = options->frequency < limit ? options->frequency : limit;
    capture->frequency_max = capture->facts.frequency;
    if (map_all(capture, error) < 0) {
        rts_capture_destroy(capture);
        return NULL;
    }
    if (options->call_graph == RTS_CALL_GRAPH_DWARF)
        capture->facts.stack_bytes =
            options->stack_bytes ? options->stack_bytes : automatic_stack_bytes(capture);
    return capture;
}

void rts_capture_destroy(struct rts_capture *capture)
{
    if (!capture)
        return;
    rts_events_finish(&capture->events);
    unmap_all(capture);
    rts_drain_finish(&capture->drain);
    free(capture->rings);
    free(capture->owners);
    free(capture);
}

static int too_many_files(int32_t pid, struct rts_error *error)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    rts_fail(
        error, RTS_FAILED,
        "cannot watch all threads of process %d: it takes one event per thread and CPU, and the "
        "limit on open files is %llu (ulimit -n)",
        (int)pid, (unsigned long long)limit.rlim_cur);
    if (error)
        error->number = EMFILE;
    return -1;
}

/* Opens the sampling event for (tid, cpu), going down the ladder. Returns 1 when it is open, 0 when
 * the thread or the CPU is gone, -1 on failure. */
static int open_event(struct rts_capture *capture, int32_t tid, uint32_t cpu, int32_t pid,
                      struct rts_error *error)
{
    for (;;) {
        struct rts_attr_request request = request_of(capture, tid >= 0);
        struct perf_event_attr attr;
        rts_attr_fill(&attr, &request, capture->features);
        int fd = event_open(&attr, tid, cpu);
        if (fd >= 0) {
            if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, capture->owners[cpu]) < 0) {
                int number = errno;
                close(fd);
                return rts_fail_errno(error, number, "cannot redirect a perf event into its ring");
            }
            rts_events_add(&capture->events, fd, tid, cpu);
            return 1;
        }
        int number = errno;
        if (number == ESRCH || number == ENODEV)
            return 0;
        if (number == EMFILE || number == ENFILE)
            return too_many_files(pid, error);
        /* Only the first event may choose the rung, since all events of a run are alike; and the
         * clock is chosen already, by the rings. */
        bool may_step = capture->events.count == 0 && (number == EACCES || number == EPERM);
        enum rts_feature given_up = may_step ? rts_attr_step_down(&capture->features, number) : 0;
        if (!given_up)
            return rts_capture_refused(number, pid, error);
        capture->facts.gave_up |= given_up;
    }
}

static int open_thread(struct rts_capture *capture, int32_t tid, int32_t pid,
                       struct rts_error *error)
{
    for (uint32_t cpu = 0; cpu < capture->cpu_count; cpu++) {
        if (capture->owners[cpu] < 0)
            continue;
        if (open_event(capture, tid, cpu, pid, error) < 0)
            return -1;
    }
    return 0;
}

/* Opens the threads of `pid` that are not open yet. Returns how many there were, or -1. */
static int open_new_threads(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT || errno == ESRCH
                   ? rts_fail(error, RTS_NOT_FOUND, "no process with pid %d", (int)pid)
                   : rts_fail_errno(error, errno, "cannot list the threads of process %d",
                                    (int)pid);
    bool events_before = capture->events.count > 0;
    int opened = 0;
    for (struct dirent *entry; opened >= 0 && (entry = readdir(directory));) {
        int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0 || rts_events_has_thread(&capture->events, tid))
            continue;
        opened = open_thread(capture, tid, pid, error) < 0 ? -1 : opened + 1;
    }
    closedir(directory);
    /* These were listed after another event was open already, which they may have inherited. */
    if (opened > 0 && events_before)
        capture->events.ambiguous = true;
    return opened;
}

int rts_capture_add_process(struct rts_capture *capture, int32_t pid, struct rts_error *error)
{
    size_t before = capture->events.count;
    for (int round = 0; round < ATTACH_ROUNDS_MAX; round++) {
        struct rts_error failure;
        int opened = open_new_threads(capture, pid, &failure);
        if (opened > 0)
            continue;
        if (opened == 0)
            return 0;
        if (failure.failure == RTS_NOT_FOUND && capture->events.count > before)
            return 0; /* it has ended meanwhile: a short run, not a failure */
        if (error)
            *error = failure;
        return -1;
    }
    return 0; /* what is born now inherits */
}

int rts_capture_add_cpus(struct rts_capture *capture, struct rts_error *error)
{
    return open_thread(capture, -1, -1, error);
}

void rts_capture_close_events(struct rts_capture *capture)
{
    rts_events_finish(&capture->events);
}

const struct rts_capture_facts *rts_capture_facts(const struct rts_capture *capture)
{
    return &capture->facts;
}

int rts_capture_set_frequency(struct rts_capture *capture, uint32_t frequency,
                              struct rts_error *error)
{
    uint32_t highest = capture->frequency_max;
    capture->facts.frequency = frequency < 1 ? 1 : frequency < highest ? frequency : highest;
    int result = rts_events_set_period(&capture->events, SECOND_NS / capture->facts.frequency);
    return result == 0 ? 0
                       : rts_fail_errno(error, -result, "cannot change the frequency to %u Hz",
                                        capture->facts.frequency);
}

int rts_capture_interval_ms(const struct rts_capture *capture)
{
    uint64_t bytes_per_second =
        capture->frequency_max * record_bytes(capture, capture->facts.stack_bytes);
    uint64_t quarter_full_ms = capture->facts.ring_bytes / 4 * 1000 / bytes_per_second;
    return quarter_full_ms < 5 ? 5 : quarter_full_ms > 100 ? 100 : (int)quarter_full_ms;
}

size_t rts_capture_poll_fds(const struct rts_capture *capture, struct pollfd *fds, size_t capacity)
{
    size_t count = 0;
    for (uint32_t cpu = 0; cpu < capture->cpu_count && count < capacity; cpu++)
        if (capture->owners[cpu] >= 0)
            fds[count++] = (struct pollfd){.fd = capture->owners[cpu], .events = POLLIN};
    return count;
}

void rts_capture_stop(struct rts_capture *capture)
{
    rts_events_control(&capture->events, PERF_EVENT_IOC_DISABLE);
}

void rts_capture_mark_end(struct rts_capture *capture)
{
    cpu_set_t *allowed = CPU_ALLOC(capture->cpu_count);
    cpu_set_t *one = CPU_ALLOC(capture->cpu_count);
    size_t size = CPU_ALLOC_SIZE(capture->cpu_count);
    char name[16];
    if (allowed && one && sched_getaffinity(0, size, allowed) == 0 &&
        prctl(PR_GET_NAME, name) == 0) {
        for (uint32_t cpu = 0; cpu < capture->cpu_count; cpu++) {
            if (capture->owners[cpu] < 0)
                continue;
            CPU_ZERO_S(size, one);
            CPU_SET_S(cpu, size, one);
            /* Giving ourselves our own name makes a COMM record of the event that owns the ring. */
            if (sched_setaffinity(0, size, one) == 0)
                prctl(PR_SET_NAME, name);
        }
        sched_setaffinity(0, size, allowed);
    }
    if (allowed)
        CPU_FREE(allowed);
    if (one)
        CPU_FREE(one);
}

void rts_capture_drain(struct rts_capture *capture, const struct rts_capture_sink *sink)
{
    struct rts_attr_request request = request_of(capture, false);
    struct perf_event_attr attr;
    rts_attr_fill(&attr, &request, capture->features);
    struct rts_record_layout layout = {
        .sample_type = attr.sample_type,
        .user_registers = attr.sample_regs_user,
        .sample_id_all = attr.sample_id_all,
    };
    rts_drain_run(&capture->drain, capture->rings, capture->cpu_count, &layout, &capture->events,
                  sink);
}
