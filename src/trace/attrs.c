/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/attrs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* The first published struct perf_event_attr. */
#define ATTR_SIZE_MIN PERF_ATTR_SIZE_VER0

/* The bit build_id among those between read_format and wakeup_events, which the headers of before
 * Linux 5.12 do not have. */
#define FLAGS_AT      (offsetof(struct perf_event_attr, read_format) + 8)
#define FLAG_BUILD_ID (1ULL << 34)

/* PERF_FORMAT_LOST, Linux 6.0. */
#define FORMAT_LOST (1U << 4)

void rts_trace_attrs_finish(struct rts_trace_attrs *attrs)
{
    for (size_t i = 0; i < attrs->count; i++)
        free(attrs->events[i].name);
    free(attrs->events);
    free(attrs->ids);
    *attrs = (struct rts_trace_attrs){0};
}

int rts_trace_attrs_add(struct rts_trace_attrs *attrs, const void *attr, size_t size,
                        uint32_t *event, struct rts_error *error)
{
    struct perf_event_attr own = {0};
    if (size < ATTR_SIZE_MIN)
        return rts_fail(error, RTS_FAILED, "the description of an event has %zu bytes", size);
    if (attrs->count == RTS_TRACE_EVENTS_MAX)
        return rts_fail(error, RTS_FAILED, "there are more than %d events", RTS_TRACE_EVENTS_MAX);
    uint64_t flags;
    memcpy(&own, attr, size < sizeof own ? size : sizeof own);
    memcpy(&flags, (const char *)&own + FLAGS_AT, sizeof flags);
    attrs->events = rts_grow(attrs->events, attrs->count, &attrs->capacity, sizeof *attrs->events);
    *event = (uint32_t)attrs->count++;
    attrs->events[*event] = (struct rts_trace_event){
        .layout =
            {
                .sample_type = own.sample_type,
                .user_registers = own.sample_regs_user,
                .read_format = own.read_format,
                .branch_sample_type = own.branch_sample_type,
                .sample_id_all = own.sample_id_all,
            },
        .type = own.type,
        .config = own.config,
        .frequency = own.freq && own.sample_freq <= UINT32_MAX ? (uint32_t)own.sample_freq : 0,
        .period = own.freq ? 0 : own.sample_period,
        .stack_bytes = own.sample_stack_user,
        .has_clock_id = own.use_clockid,
        .clock_id = own.clockid,
        .wants_build_ids = flags & FLAG_BUILD_ID,
        .counts_losses = own.read_format & FORMAT_LOST,
    };
    attrs->build_id_count += attrs->events[*event].wants_build_ids;
    return 0;
}

void rts_trace_attrs_add_id(struct rts_trace_attrs *attrs, uint64_t id, uint32_t event)
{
    if (attrs->id_count == RTS_TRACE_IDS_MAX)
        return;
    attrs->ids = rts_grow(attrs->ids, attrs->id_count, &attrs->id_capacity, sizeof *attrs->ids);
    attrs->ids[attrs->id_count++] = (struct rts_trace_id){id, event};
    attrs->sorted = false;
}

static int compare_ids(const void *left, const void *right)
{
    const struct rts_trace_id *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->event < b->event ? -1 : a->event > b->event;
}

struct rts_trace_event *rts_trace_attrs_find(struct rts_trace_attrs *attrs, uint64_t id)
{
    if (!attrs->sorted && attrs->id_count > 0)
        qsort(attrs->ids, attrs->id_count, sizeof *attrs->ids, compare_ids);
    attrs->sorted = true;
    for (size_t low = 0, high = attrs->id_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct rts_trace_id *entry = &attrs->ids[middle];
        if (entry->id == id)
            return &attrs->events[entry->event];
        if (entry->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void rts_trace_event_name(struct rts_trace_event *event, const char *name, size_t size)
{
    size_t length = strnlen(name, size);
    if (length == 0)
        return;
    free(event->name);
    event->name = rts_calloc(length + 1, 1);
    memcpy(event->name, name, length);
}

/* Where the id lies in a record of this layout: words from the beginning of a sample, or from the
 * end of another record; 0: there is none. */
static size_t id_place(uint64_t type, bool is_sample)
{
    if (type & PERF_SAMPLE_IDENTIFIER)
        return 1;
    if (!(type & PERF_SAMPLE_ID))
        return 0;
    const uint64_t before = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR;
    const uint64_t behind = PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU;
    return 1 + (size_t)__builtin_popcountll(type & (is_sample ? before : behind));
}

/* Where a record says which event it is of, as id_place(); 0: it does not say. */
static size_t place_in(const struct rts_trace_attrs *attrs, bool is_sample)
{
    const struct rts_record_layout *layout = &attrs->events[0].layout;
    return is_sample || layout->sample_id_all ? id_place(layout->sample_type, is_sample) : 0;
}

/* The event that a record names; NULL when it names none that is known. */
static struct rts_trace_event *find_named(struct rts_trace_attrs *attrs,
                                          const struct perf_event_header *header, size_t place,
                                          bool is_sample)
{
    size_t words = header->size / 8 - 1;
    const uint64_t *body = (const uint64_t *)(const void *)(header + 1);
    return place <= words ? rts_trace_attrs_find(attrs, body[is_sample ? place - 1 : words - place])
                          : NULL;
}

struct rts_trace_event *rts_trace_attrs_of_record(struct rts_trace_attrs *attrs,
                                                  const struct perf_event_header *header)
{
    if (attrs->count <= 1)
        return attrs->events;
    bool is_sample = header->type == PERF_RECORD_SAMPLE;
    size_t place = place_in(attrs, is_sample);
    if (place == 0)
        return attrs->events;
    struct rts_trace_event *event = find_named(attrs, header, place, is_sample);
    return event || is_sample ? event : attrs->events;
}

/* Of a record about a mapping. perf has the build-ids in what it makes up itself whenever it had
 * one of its events ask for them. */
static enum rts_build_id_flag build_id_flag(struct rts_trace_attrs *attrs,
                                            const struct perf_event_header *header)
{
    if (attrs->build_id_count == 0 || attrs->build_id_count == attrs->count)
        return attrs->build_id_count ? RTS_BUILD_ID_FLAG_HOLDS : RTS_BUILD_ID_FLAG_FOREIGN;
    size_t place = place_in(attrs, false);
    if (place == 0)
        return RTS_BUILD_ID_FLAG_UNSURE;
    const struct rts_trace_event *event = find_named(attrs, header, place, false);
    return !event || event->wants_build_ids ? RTS_BUILD_ID_FLAG_HOLDS : RTS_BUILD_ID_FLAG_FOREIGN;
}

struct rts_record_layout rts_trace_attrs_layout(struct rts_trace_attrs *attrs,
                                                const struct rts_trace_event *event,
                                                const struct perf_event_header *header)
{
    struct rts_record_layout layout = {0};
    if (event)
        layout = event->layout;
    if (header->type == PERF_RECORD_MMAP2)
        layout.build_id_flag = build_id_flag(attrs, header);
    return layout;
}
