/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/drain.h"

#include <stdlib.h>

#include "util/memory.h"

/* perf_event_header.size has 16 bits. */
#define RECORD_SIZE_MAX ((size_t)64 << 10)

void rts_drain_finish(struct rts_drain *drain)
{
    free(drain->items);
    free(drain->heads);
    free(drain->scratch);
    *drain = (struct rts_drain){0};
}

static int by_time(const void *left, const void *right)
{
    const struct rts_drain_item *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

/* Where the samples, or the other records, of a ring end that are no younger than `latest`, in
 * [from, head). */
static uint64_t end_of_older(const struct rts_drain *drain, const struct rts_ring *ring,
                             uint64_t from, uint64_t head, uint64_t latest, bool samples,
                             const struct rts_record_layout *layout)
{
    while (from < head) {
        struct perf_event_header header = rts_ring_header(ring, from, head);
        if (header.size == 0)
            return head;
        const struct perf_event_header *record = rts_ring_record(ring, from, head, drain->scratch);
        uint64_t time = rts_record_time(record, layout);
        if ((header.type == PERF_RECORD_SAMPLE) == samples && time != 0 &&
            time + (uint64_t)drain->clock_offset_ns > latest)
            return from;
        from += header.size;
    }
    return head;
}

/* Switches are many, and concern nobody but the proofs of what was read near samples. All of them
 * are told with the side-band records, although some are samples. */
static bool is_switch(struct rts_drain *drain, uint32_t ring, const struct perf_event_header *bytes,
                      bool samples)
{
    return rts_near_is_told(drain->near) && ring < drain->near->rings->cpu_count &&
           rts_near_take(drain->near, ring, bytes, samples);
}

/* Collects the records of one ring in [from, head) that are samples, or that are not. False when it
 * came upon an impossible header: what lies behind it cannot be found. */
static bool collect(struct rts_drain *drain, const struct rts_ring *ring, uint32_t cpu,
                    uint64_t from, uint64_t head, bool samples,
                    const struct rts_record_layout *layout)
{
    while (from < head) {
        struct perf_event_header header = rts_ring_header(ring, from, head);
        if (header.size == 0)
            return false;
        bool is_sample = header.type == PERF_RECORD_SAMPLE;
        if (is_sample == samples || rts_near_is_told(drain->near)) {
            const struct perf_event_header *record =
                rts_ring_record(ring, from, head, drain->scratch);
            if (!is_switch(drain, cpu, record, samples) && is_sample == samples) {
                drain->items =
                    rts_grow(drain->items, drain->count, &drain->capacity, sizeof *drain->items);
                drain->items[drain->count++] = (struct rts_drain_item){
                    .time = rts_record_time(record, layout), .position = from, .cpu = cpu};
            }
        }
        from += header.size;
    }
    return true;
}

static int decode(const struct perf_event_header *bytes, const struct rts_record_layout *layout,
                  int64_t clock_offset_ns, struct rts_record *record)
{
    int result = rts_record_decode(bytes, layout, record);
    if (record->time != 0)
        record->time += (uint64_t)clock_offset_ns;
    return result;
}

static void pass_on(struct rts_drain *drain, const struct rts_ring *rings, const uint64_t *heads,
                    const struct rts_record_layout *layout, struct rts_events *events,
                    const struct rts_capture_sink *sink)
{
    if (drain->count > 0)
        qsort(drain->items, drain->count, sizeof *drain->items, by_time);
    for (size_t i = 0; i < drain->count; i++) {
        const struct rts_drain_item *item = &drain->items[i];
        struct rts_record record;
        const struct perf_event_header *bytes =
            rts_ring_record(&rings[item->cpu], item->position, heads[item->cpu], drain->scratch);
        if (!bytes) { /* collect() has seen its header: this does not happen */
            sink->malformed(sink->context, RTS_RECORD_SAMPLE);
        } else if (decode(bytes, layout, drain->clock_offset_ns, &record) < 0) {
            sink->malformed(sink->context, record.kind);
        } else if (record.kind != RTS_RECORD_SAMPLE) {
            if (record.kind == RTS_RECORD_EXIT)
                rts_events_thread_exit(events, record.tid);
            else if (record.kind == RTS_RECORD_FORK)
                rts_events_thread_born(events, record.tid, record.time);
            sink->side_band(sink->context, &record);
        } else if (rts_events_admit(events, &record)) {
            if (rts_near_is_on(drain->near))
                record.sample.near = rts_near_pair(drain->near, item->cpu, &record);
            sink->sample(sink->context, &record);
        }
    }
    drain->count = 0;
}

/* Has samples that are younger than `passed_on` wait: their heads are put back. */
static void hold_back(struct rts_drain *drain, const struct rts_ring *rings, unsigned ring_count,
                      const uint64_t *side_heads, uint64_t *sample_heads, uint64_t passed_on,
                      const struct rts_record_layout *layout)
{
    for (unsigned cpu = 0; cpu < ring_count; cpu++) {
        const struct rts_ring *ring = &rings[cpu];
        if (!ring->page)
            continue;
        if (cpu < drain->near->rings->cpu_count)
            rts_near_see_room(drain->near, cpu, ring->tail, side_heads[cpu]);
        sample_heads[cpu] =
            end_of_older(drain, ring, ring->tail, sample_heads[cpu], passed_on, true, layout);
    }
}

void rts_drain_run(struct rts_drain *drain, struct rts_ring *rings, unsigned ring_count,
                   const struct rts_record_layout *layout, uint64_t (*clock)(void),
                   struct rts_events *events, const struct rts_capture_sink *sink)
{
    if (!drain->heads) {
        drain->heads = rts_calloc(2 * ring_count, sizeof *drain->heads);
        drain->scratch = rts_calloc(1, RECORD_SIZE_MAX);
    }
    uint64_t *sample_heads = drain->heads, *side_heads = drain->heads + ring_count;
    /* All samples that are older than the wait are before the heads. */
    bool waits = rts_near_is_on(drain->near) && clock;
    uint64_t passed_on = waits ? clock() - RTS_NEAR_WAIT_NS : 0;
    for (unsigned cpu = 0; cpu < ring_count; cpu++)
        sample_heads[cpu] = rings[cpu].page ? rts_ring_head(&rings[cpu]) : 0;
    uint64_t latest = clock ? clock() : UINT64_MAX;
    for (unsigned cpu = 0; cpu < ring_count; cpu++)
        side_heads[cpu] = rings[cpu].page ? rts_ring_head(&rings[cpu]) : 0;

    if (!waits || drain->near->ending)
        passed_on = latest;
    if (waits)
        rts_near_begin_drain(drain->near, latest);
    for (unsigned cpu = 0; cpu < ring_count; cpu++)
        if (rings[cpu].page && clock)
            side_heads[cpu] = end_of_older(drain, &rings[cpu], sample_heads[cpu], side_heads[cpu],
                                           latest, false, layout);
    if (waits)
        hold_back(drain, rings, ring_count, side_heads, sample_heads, passed_on, layout);
    for (unsigned cpu = 0; cpu < ring_count; cpu++)
        if (rings[cpu].page)
            collect(drain, &rings[cpu], cpu, rings[cpu].side, side_heads[cpu], false, layout);
    pass_on(drain, rings, side_heads, layout, events, sink);

    for (unsigned cpu = 0; cpu < ring_count; cpu++)
        if (rings[cpu].page &&
            !collect(drain, &rings[cpu], cpu, rings[cpu].tail, sample_heads[cpu], true, layout))
            sink->malformed(sink->context, RTS_RECORD_SAMPLE);
    pass_on(drain, rings, sample_heads, layout, events, sink);

    for (unsigned cpu = 0; cpu < ring_count; cpu++) {
        if (!rings[cpu].page)
            continue;
        rings[cpu].side = side_heads[cpu];
        rts_ring_release(&rings[cpu], sample_heads[cpu]);
    }
    drain->passed_on = passed_on == latest ? UINT64_MAX : passed_on;
    /* Two of these are enough for the last samples of a thread, if none were held back. */
    if (drain->passed_on > drain->exits_until) {
        drain->exits_until = waits ? latest : 0;
        rts_events_end_drain(events);
    }
    if (drain->near && clock)
        rts_near_end_drain(drain->near, passed_on, latest);
}
