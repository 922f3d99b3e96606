/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near_events.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/attr.h"
#include "util/clock.h"
#include "util/memory.h"

/* One for each thread and CPU, of some 70 us and a descriptor each. */
#define EVENTS_MAX 1024

/* All processes together have no more than this part of the files that we may have open, and one
 * process no more than half of that. */
#define FILES_PART 4

/* How much later than it was closed an event may have written, by the order of times in a ring. */
#define RETIRED_NS 1000000u

/* A thread that is born while others are opened may be seen by the next look only. */
#define ROUNDS_MAX 8

static bool same_id(const void *item, const void *key)
{
    return ((const struct rts_near_event *)item)->id == *(const uint64_t *)key;
}

struct rts_record_layout rts_near_events_layout(uint64_t user_registers)
{
    return (struct rts_record_layout){
        .sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER,
        .user_registers = user_registers,
        .sample_id_all = true,
    };
}

bool rts_near_events_have(const struct rts_near_events *events,
                          const struct perf_event_header *record)
{
    /* PERF_SAMPLE_IDENTIFIER is the first word of a sample; the other ones have the time there. */
    const size_t before = record->type == PERF_RECORD_SAMPLE ? 0 : sizeof(uint64_t);
    uint64_t id;
    if (record->size < sizeof *record + before + sizeof id)
        return false;
    memcpy(&id, (const char *)(record + 1) + before, sizeof id);
    return rts_table_find(&events->by_id, rts_hash_u64(id), same_id, &id) != NULL;
}

static void forget(struct rts_near_events *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rts_near_event *event = events->retired[i];
        rts_table_remove(&events->by_id, rts_hash_u64(event->id), same_id, &event->id);
        free(event);
    }
    events->retired_count -= count;
    if (events->retired_count > 0)
        memmove(events->retired, events->retired + count,
                events->retired_count * sizeof(struct rts_near_event *));
}

void rts_near_events_close(struct rts_near_events *events, int32_t pid)
{
    const uint64_t now = rts_clock_monotonic_ns();
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++) {
        struct rts_near_event *event = events->items[i];
        if (pid != 0 && event->pid != pid) {
            events->items[kept++] = event;
            continue;
        }
        close(event->fd);
        event->closed_ns = now;
        events->retired = rts_grow(events->retired, events->retired_count,
                                   &events->retired_capacity, sizeof *events->retired);
        events->retired[events->retired_count++] = event;
    }
    events->count = kept;
}

void rts_near_events_forget(struct rts_near_events *events, uint64_t time)
{
    size_t count = 0;
    while (count < events->retired_count && events->retired[count]->closed_ns + RETIRED_NS < time)
        count++;
    if (count > 0)
        forget(events, count);
}

void rts_near_events_finish(struct rts_near_events *events)
{
    rts_near_events_close(events, 0);
    forget(events, events->retired_count);
    free(events->retired);
    free(events->items);
    rts_table_finish(&events->by_id);
    *events = (struct rts_near_events){0};
}

/* Where they are opened, and for whom. */
struct opening {
    struct rts_near_events *events;
    const struct rts_perf_rings *rings;
    int32_t pid;
    uint64_t user_registers;
    int32_t tids[EVENTS_MAX]; /* that were opened */
    size_t count;
    size_t before, room; /* events that were there, and that may be */
};

static size_t room_for_events(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / FILES_PART > 2 * EVENTS_MAX)
        return (size_t)2 * EVENTS_MAX;
    return (size_t)(limit.rlim_cur / FILES_PART);
}

/* Returns 0; or -1 with errno. A thread that is gone is none. */
static int open_on(struct opening *opening, int32_t tid, unsigned cpu)
{
    struct rts_near_events *events = opening->events;
    /* A thread is in the kernel when it leaves. */
    const bool kernel = opening->rings->features & RTS_FEATURE_KERNEL_SIDE;
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = kernel ? PERF_COUNT_SW_CONTEXT_SWITCHES : PERF_COUNT_SW_DUMMY,
        .sample_period = 1,
        .exclude_kernel = !kernel,
        .exclude_hv = 1,
        .sample_id_all = 1,
        .sample_type = RTS_ATTR_COMMON_TYPE | PERF_SAMPLE_REGS_USER,
        .sample_regs_user = opening->user_registers,
        .inherit = 1,
        .context_switch = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    int fd = rts_perf_event_open(&attr, tid, cpu);
    if (fd < 0)
        return errno == ESRCH || errno == ENODEV ? 0 : -1;
    uint64_t id;
    if (ioctl(fd, PERF_EVENT_IOC_ID, &id) < 0 ||
        ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, opening->rings->owners[cpu]) < 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    struct rts_near_event *event = rts_calloc(1, sizeof *event);
    *event = (struct rts_near_event){.fd = fd, .pid = opening->pid, .id = id};
    events->items =
        rts_grow(events->items, events->count, &events->capacity, sizeof *events->items);
    events->items[events->count++] = event;
    rts_table_add(&events->by_id, rts_hash_u64(id), event);
    return 0;
}

static int open_thread(struct opening *opening, int32_t tid)
{
    for (unsigned cpu = 0; cpu < opening->rings->cpu_count; cpu++) {
        if (opening->rings->owners[cpu] < 0)
            continue;
        const size_t count = opening->events->count;
        errno = E2BIG;
        if (count >= opening->room || count - opening->before >= opening->room / 2 ||
            open_on(opening, tid, cpu) < 0)
            return -1;
    }
    opening->tids[opening->count++] = tid;
    return 0;
}

static bool is_opened(const struct opening *opening, int32_t tid)
{
    for (size_t i = 0; i < opening->count; i++)
        if (opening->tids[i] == tid)
            return true;
    return false;
}

/* Opens those threads that are not open yet. Returns how many there were; -1 with errno. */
static int open_new(struct opening *opening)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)opening->pid);
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    int count = 0, number = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(directory));) {
        int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0 || is_opened(opening, tid))
            continue;
        errno = E2BIG;
        bool opened = opening->count < EVENTS_MAX && open_thread(opening, tid) == 0;
        number = errno;
        count = opened ? count + 1 : -1;
    }
    closedir(directory);
    errno = number;
    return count;
}

int rts_near_events_open(struct rts_near_events *events, const struct rts_perf_rings *rings,
                         int32_t pid, uint64_t user_registers, struct rts_error *error)
{
    struct opening *opening = rts_calloc(1, sizeof *opening);
    *opening = (struct opening){
        .events = events,
        .rings = rings,
        .pid = pid,
        .user_registers = user_registers,
        .before = events->count,
        .room = room_for_events(),
    };
    int count = 1;
    for (int round = 0; round < ROUNDS_MAX && count > 0; round++)
        count = open_new(opening);
    int number = errno;
    free(opening);
    if (count >= 0)
        return 0;
    rts_near_events_close(events, pid);
    if (number == E2BIG)
        return rts_fail(error, RTS_FAILED, "it has too many threads, or others do");
    return rts_fail_errno(error, number, "its switches cannot be seen");
}
