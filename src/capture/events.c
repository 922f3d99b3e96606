/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/memory.h"

struct thread {
    int32_t tid;
    uint64_t opened_ns;
};

struct owner {
    int32_t tid;
    uint32_t cpu;
    uint64_t id;
};

static bool same_event(const void *item, const void *key)
{
    return ((const struct rts_event *)item)->id == *(const uint64_t *)key;
}

static bool same_thread(const void *item, const void *key)
{
    return ((const struct thread *)item)->tid == *(const int32_t *)key;
}

static bool same_owner(const void *item, const void *key)
{
    const struct owner *a = item, *b = key;
    return a->tid == b->tid && a->cpu == b->cpu;
}

static uint64_t thread_hash(int32_t tid)
{
    return rts_hash_u64((uint32_t)tid);
}

static uint64_t owner_hash(int32_t tid, uint32_t cpu)
{
    return rts_hash_u64((uint64_t)cpu << 32 | (uint32_t)tid);
}

static void free_items(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_finish(table);
}

void rts_events_finish(struct rts_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        close(events->items[i]->fd);
        free(events->items[i]);
    }
    free(events->items);
    free(events->exited);
    rts_table_finish(&events->by_id);
    free_items(&events->threads);
    free_items(&events->owners);
    *events = (struct rts_events){0};
}

void rts_events_add(struct rts_events *events, int fd, int32_t tid, uint32_t cpu)
{
    struct rts_event *event = rts_calloc(1, sizeof *event);
    *event = (struct rts_event){.fd = fd, .tid = tid, .cpu = cpu};
    events->items =
        rts_grow(events->items, events->count, &events->capacity, sizeof *events->items);
    events->items[events->count++] = event;
    if (cpu >= events->cpus)
        events->cpus = cpu + 1;
    if (ioctl(fd, PERF_EVENT_IOC_ID, &event->id) == 0)
        rts_table_add(&events->by_id, rts_hash_u64(event->id), event);
    if (tid >= 0 && !rts_events_has_thread(events, tid)) {
        struct thread *thread = rts_calloc(1, sizeof *thread);
        thread->tid = tid;
        thread->opened_ns = rts_clock_monotonic_ns();
        rts_table_add(&events->threads, thread_hash(tid), thread);
    }
}

bool rts_events_has_thread(const struct rts_events *events, int32_t tid)
{
    return rts_table_find(&events->threads, thread_hash(tid), same_thread, &tid) != NULL;
}

void rts_events_control(const struct rts_events *events, unsigned long request)
{
    for (size_t i = 0; i < events->count; i++)
        ioctl(events->items[i]->fd, request, 0);
}

int rts_events_set_period(const struct rts_events *events, uint64_t period_ns)
{
    int result = 0;
    for (size_t i = 0; i < events->count; i++) {
        /* The kernel runs cpu-clock by a timer: it has turned the frequency that was asked for into
         * a period, and a period is what it takes. */
        uint64_t period = period_ns;
        if (ioctl(events->items[i]->fd, PERF_EVENT_IOC_PERIOD, &period) < 0 && result == 0)
            result = -errno;
    }
    return result;
}

static void move(struct rts_event *event, const int *owners, bool moved)
{
    if (event->moved != moved && owners[event->cpu] >= 0 &&
        ioctl(event->fd, PERF_EVENT_IOC_SET_OUTPUT, owners[event->cpu]) == 0)
        event->moved = moved;
}

void rts_events_move_thread(struct rts_events *events, int32_t tid, const int *owners)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i]->tid == tid || events->items[i]->tid < 0)
            move(events->items[i], owners, true);
}

void rts_events_move(struct rts_events *events, uint64_t id, const int *owners)
{
    const struct rts_event *event =
        rts_table_find(&events->by_id, rts_hash_u64(id), same_event, &id);
    if (event && !event->moved)
        rts_events_move_thread(events, event->tid, owners);
}

void rts_events_move_back(struct rts_events *events, const int *owners)
{
    for (size_t i = 0; i < events->count; i++)
        move(events->items[i], owners, false);
}

/* Takes one out of the table and closes it; its place among the items is the caller's. */
static void close_event(struct rts_events *events, struct rts_event *event)
{
    rts_table_remove(&events->by_id, rts_hash_u64(event->id), same_event, &event->id);
    close(event->fd);
    free(event);
}

void rts_events_cut(struct rts_events *events, size_t first)
{
    while (events->count > first)
        close_event(events, events->items[--events->count]);
}

void rts_events_replace(struct rts_events *events, size_t first)
{
    events->retired = first;
    events->since_ns = rts_clock_monotonic_ns();
    for (size_t i = 0; i < first; i++)
        ioctl(events->items[i]->fd, PERF_EVENT_IOC_DISABLE, 0);
}

static void close_retired(struct rts_events *events)
{
    for (size_t i = 0; i < events->retired; i++)
        close_event(events, events->items[i]);
    events->count -= events->retired;
    memmove(events->items, events->items + events->retired,
            events->count * sizeof(struct rts_event *));
    events->retired = 0;
    events->exited_before = events->exited_count = 0;
    free_items(&events->threads);
    free_items(&events->owners);
    events->ambiguous = false;
}

bool rts_events_admit(struct rts_events *events, const struct rts_record *sample)
{
    if (!events->ambiguous && !events->since_ns)
        return true;
    const struct rts_event *event =
        rts_table_find(&events->by_id, rts_hash_u64(sample->id), same_event, &sample->id);
    if (events->since_ns && (sample->time >= events->since_ns) != (event && event->tid < 0))
        return false;
    if (!event || event->tid < 0 || event->tid == sample->tid)
        return true;
    if (rts_events_has_thread(events, sample->tid))
        return false;
    /* A thread with two ancestors' events, none of its own: it listens to the first that speaks. */
    struct owner key = {.tid = sample->tid, .cpu = sample->cpu, .id = sample->id};
    uint64_t hash = owner_hash(key.tid, key.cpu);
    struct owner *owner = rts_table_find(&events->owners, hash, same_owner, &key);
    if (owner)
        return owner->id == sample->id;
    owner = rts_calloc(1, sizeof *owner);
    *owner = key;
    rts_table_add(&events->owners, hash, owner);
    return true;
}

void rts_events_thread_exit(struct rts_events *events, int32_t tid)
{
    if (!events->ambiguous)
        return;
    events->exited = rts_grow(events->exited, events->exited_count, &events->exited_capacity,
                              sizeof *events->exited);
    events->exited[events->exited_count++] = tid;
}

static void forget_thread(struct rts_events *events, int32_t tid)
{
    free(rts_table_remove(&events->threads, thread_hash(tid), same_thread, &tid));
    for (uint32_t cpu = 0; events->owners.count && cpu < events->cpus; cpu++) {
        struct owner key = {.tid = tid, .cpu = cpu};
        free(rts_table_remove(&events->owners, owner_hash(tid, cpu), same_owner, &key));
    }
}

void rts_events_remove_thread(struct rts_events *events, int32_t tid)
{
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++) {
        struct rts_event *event = events->items[i];
        if (event->tid != tid) {
            events->items[kept++] = event;
            continue;
        }
        close_event(events, event);
    }
    events->count = kept;
    forget_thread(events, tid);
}

void rts_events_thread_born(struct rts_events *events, int32_t tid, uint64_t time)
{
    const struct thread *known =
        rts_table_find(&events->threads, thread_hash(tid), same_thread, &tid);
    if (events->ambiguous && (!known || known->opened_ns < time))
        forget_thread(events, tid);
}

void rts_events_end_drain(struct rts_events *events)
{
    if (events->retired > 0)
        close_retired(events);
    for (size_t i = 0; i < events->exited_before; i++)
        forget_thread(events, events->exited[i]);
    events->exited_count -= events->exited_before;
    if (events->exited_count > 0)
        memmove(events->exited, events->exited + events->exited_before,
                events->exited_count * sizeof *events->exited);
    events->exited_before = events->exited_count;
}
