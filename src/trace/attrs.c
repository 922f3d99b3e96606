/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/attrs.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* The first published struct perf_event_attr. */
#define ATTR_SIZE_MIN PERF_ATTR_SIZE_VER0

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
    memcpy(&own, attr, size < sizeof own ? size : sizeof own);
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
        .counts_losses = own.read_format & FORMAT_LOST,
    };
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

struct rts_trace_event *rts_trace_attrs_of_record(struct rts_trace_attrs *attrs,
                                                  const struct perf_event_header *header)
{
    if (attrs->count <= 1)
        return attrs->events;
    bool is_sample = header->type == PERF_RECORD_SAMPLE;
    const struct rts_record_layout *layout = &attrs->events[0].layout;
    size_t place = id_place(layout->sample_type, is_sample);
    size_t words = header->size / 8 - 1;
    if (place == 0 || (!is_sample && !layout->sample_id_all))
        return attrs->events;
    if (place > words)
        return is_sample ? NULL : attrs->events;
    const uint64_t *body = (const uint64_t *)(const void *)(header + 1);
    uint64_t id = body[is_sample ? place - 1 : words - place];
    struct rts_trace_event *event = rts_trace_attrs_find(attrs, id);
    return event || is_sample ? event : attrs->events;
}
