/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/perf_rings.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/advice.h"
#include "capture/attr.h"
#include "util/memory.h"

/* All rings together; each CPU gets an equal part, within the limits below. */
#define RING_BUDGET    ((size_t)64 << 20)
#define RING_BYTES_MAX ((size_t)16 << 20)
#define RING_BYTES_MIN ((size_t)64 << 10)

/* Room for two of the largest records. */
#define NEAR_BYTES_MIN ((size_t)128 << 10)

int rts_perf_event_open(const struct perf_event_attr *attr, int32_t pid, uint32_t cpu)
{
    return (int)syscall(SYS_perf_event_open, attr, (pid_t)pid, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

int rts_perf_event_open_group(const struct perf_event_attr *attr, int folder, uint32_t cpu)
{
    return (int)syscall(SYS_perf_event_open, attr, folder, (int)cpu, -1,
                        PERF_FLAG_FD_CLOEXEC | PERF_FLAG_PID_CGROUP);
}

void rts_perf_rings_init(struct rts_perf_rings *rings, unsigned features)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    *rings = (struct rts_perf_rings){
        .cpu_count = cpus > 0 ? (unsigned)cpus : 1,
        .features = features,
    };
    rings->items = rts_calloc((size_t)2 * rings->cpu_count, sizeof *rings->items);
    rings->owners = rts_calloc((size_t)2 * rings->cpu_count, sizeof *rings->owners);
    for (unsigned i = 0; i < 2 * rings->cpu_count; i++)
        rings->owners[i] = -1;
}

/* A dummy event that owns the ring of one CPU. Its clock must be that of the events redirected into
 * the ring. It wakes who polls it when `watermark` bytes have come. */
static int open_owner(uint32_t cpu, unsigned features, uint32_t watermark)
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
        .wakeup_watermark = watermark,
    };
    if (features & RTS_FEATURE_CLOCK_ID) {
        attr.use_clockid = 1;
        attr.clockid = CLOCK_MONOTONIC;
    }
    return rts_perf_event_open(&attr, 0, cpu);
}

/* Opens the owner and maps the ring of one CPU with rings->bytes. Returns 0, or
 * -errno; an offline CPU counts as success without a ring. */
static int map_cpu(struct rts_perf_rings *rings, uint32_t cpu)
{
    int fd;
    while ((fd = open_owner(cpu, rings->features, (uint32_t)(rings->bytes / 4))) < 0) {
        int number = errno;
        if (number == ENODEV || (number == EINVAL && rings->cpus > 0))
            return 0;
        enum rts_feature given_up = rts_attr_step_down(&rings->features, number);
        if (!given_up)
            return -number;
        rings->gave_up |= given_up;
    }
    int result = rts_ring_map(&rings->items[cpu], fd, rings->bytes);
    rings->refused = result < 0;
    if (result < 0) {
        close(fd);
        return result;
    }
    rings->owners[cpu] = fd;
    rings->cpus++;
    return 0;
}

static void unmap(struct rts_perf_rings *rings, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        rts_ring_unmap(&rings->items[i]);
        if (rings->owners[i] >= 0)
            close(rings->owners[i]);
        rings->owners[i] = -1;
    }
}

static void unmap_all(struct rts_perf_rings *rings)
{
    unmap(rings, 0, 2 * rings->cpu_count);
    rings->cpus = 0;
    rings->near_bytes = 0;
}

/* Of a CPU that has a ring. Returns 0, or -errno. */
static int map_near_cpu(struct rts_perf_rings *rings, uint32_t cpu, size_t bytes)
{
    const unsigned near = rings->cpu_count + cpu;
    int fd = open_owner(cpu, rings->features, 1);
    int result = fd < 0 ? -errno : rts_ring_map(&rings->items[near], fd, bytes);
    if (result < 0 && fd >= 0)
        close(fd);
    else
        rings->owners[near] = fd;
    return result;
}

int rts_perf_rings_map_near(struct rts_perf_rings *rings, uint64_t least, struct rts_error *error)
{
    int result = -EPERM;
    if (least < NEAR_BYTES_MIN)
        least = NEAR_BYTES_MIN;
    for (size_t bytes = rings->bytes; bytes >= least && result < 0; bytes /= 2) {
        result = 0;
        for (uint32_t cpu = 0; cpu < rings->cpu_count && result == 0; cpu++)
            if (rings->owners[cpu] >= 0)
                result = map_near_cpu(rings, cpu, bytes);
        if (result < 0)
            unmap(rings, rings->cpu_count, 2 * rings->cpu_count);
        else
            rings->near_bytes = bytes;
    }
    return result == 0 ? 0
                       : rts_fail_errno(error, -result,
                                        "there is no memory left for rings that wake a reader, of "
                                        "what may be locked (ulimit -l, "
                                        "kernel.perf_event_mlock_kb)");
}

int rts_perf_rings_map(struct rts_perf_rings *rings, uint64_t wish, struct rts_error *error)
{
    const struct rts_proc proc = {.root = "/proc"};
    size_t bytes = RING_BYTES_MAX;
    while (bytes > RING_BYTES_MIN && (bytes * rings->cpu_count > RING_BUDGET || bytes / 2 >= wish))
        bytes /= 2;
    for (;; bytes /= 2) {
        rings->bytes = bytes;
        int result = 0;
        for (uint32_t cpu = 0; cpu < rings->cpu_count && result == 0; cpu++)
            result = map_cpu(rings, cpu);
        if (result == 0 && rings->cpus > 0)
            return 0;
        unmap_all(rings);
        bool for_lack_of_memory = result == -EPERM || result == -ENOMEM || result == -EINVAL;
        if (result == 0)
            return rts_fail(error, RTS_FAILED, "no CPU accepts a perf event");
        if (bytes > RING_BYTES_MIN && for_lack_of_memory)
            continue;
        return rts_capture_refused(&proc, rings->refused ? RTS_PERF_RING : RTS_PERF_SELF, -1,
                                   -result, error);
    }
}

void rts_perf_rings_finish(struct rts_perf_rings *rings)
{
    unmap_all(rings);
    free(rings->items);
    free(rings->owners);
}

size_t rts_perf_rings_poll_fds(const struct rts_perf_rings *rings, struct pollfd *fds,
                               size_t capacity)
{
    size_t count = 0;
    for (uint32_t cpu = 0; cpu < rings->cpu_count && count < capacity; cpu++)
        if (rings->owners[cpu] >= 0)
            fds[count++] = (struct pollfd){.fd = rings->owners[cpu], .events = POLLIN};
    return count;
}

void rts_perf_rings_mark_end(const struct rts_perf_rings *rings)
{
    cpu_set_t *allowed = CPU_ALLOC(rings->cpu_count);
    cpu_set_t *one = CPU_ALLOC(rings->cpu_count);
    size_t size = CPU_ALLOC_SIZE(rings->cpu_count);
    char name[16];
    if (allowed && one && sched_getaffinity(0, size, allowed) == 0 &&
        prctl(PR_GET_NAME, name) == 0) {
        for (uint32_t cpu = 0; cpu < rings->cpu_count; cpu++) {
            if (rings->owners[cpu] < 0)
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
