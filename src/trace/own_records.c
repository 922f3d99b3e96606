/* SPDX-License-Identifier: Apache-2.0 */
/* The records that perf makes up itself: what a trace says of its events and files. */
#include "trace/trace_state.h"

#include <string.h>

#include "trace/perf_file.h"

#define EVENT_UPDATE_NAME 2

/* Passes by `size` bytes that follow a record without being one. */
static void skip_data(struct rts_trace *trace, const struct rts_trace_raw *raw, uint64_t size)
{
    if (!rts_trace_input_skip(&trace->input, size))
        rts_trace_stop(trace, raw->offset, "it ends in the middle of the data behind a record");
}

static void take_attr(struct rts_trace *trace, const struct rts_trace_raw *raw)
{
    const uint8_t *body = raw->bytes + sizeof raw->header;
    size_t size = raw->header.size - sizeof raw->header;
    uint32_t told, event;
    struct rts_error error;
    if (!trace->header.is_pipe)
        return; /* of a file they are known from its header */
    if (size < PERF_ATTR_SIZE_VER0) {
        rts_trace_stop(trace, raw->offset, "the description of an event is cut short");
        return;
    }
    memcpy(&told, body + offsetof(struct perf_event_attr, size), sizeof told);
    size_t attr_size = told >= PERF_ATTR_SIZE_VER0 && told <= size ? told : PERF_ATTR_SIZE_VER0;
    if (rts_trace_attrs_add(&trace->attrs, body, attr_size, &event, &error) < 0) {
        rts_trace_stop(trace, raw->offset, "%s", error.text);
        return;
    }
    for (size_t at = attr_size; at + 8 <= size; at += 8) {
        uint64_t id;
        memcpy(&id, body + at, sizeof id);
        rts_trace_attrs_add_id(&trace->attrs, id, event);
    }
}

static void take_event_update(struct rts_trace *trace, const struct rts_trace_raw *raw)
{
    uint64_t words[2];
    const uint8_t *body = raw->bytes + sizeof raw->header;
    size_t size = raw->header.size - sizeof raw->header;
    if (size <= sizeof words)
        return;
    memcpy(words, body, sizeof words);
    struct rts_trace_event *event = rts_trace_attrs_find(&trace->attrs, words[1]);
    if (words[0] == EVENT_UPDATE_NAME && event)
        rts_trace_event_name(event, (const char *)body + sizeof words, size - sizeof words);
}

static void take_feature(struct rts_trace *trace, const struct rts_trace_raw *raw)
{
    uint64_t bit;
    const uint8_t *body = raw->bytes + sizeof raw->header;
    size_t size = raw->header.size - sizeof raw->header;
    if (size < sizeof bit)
        return;
    memcpy(&bit, body, sizeof bit);
    if (bit < 256)
        rts_trace_features_take(&trace->features, (unsigned)bit, body + sizeof bit,
                                size - sizeof bit, &trace->attrs, &trace->build_ids);
}

static uint64_t number_behind_header(const struct rts_trace_raw *raw, size_t size)
{
    uint64_t number = 0; /* little-endian or not, a smaller number takes the first bytes */
    uint32_t half = 0;
    if (raw->header.size < sizeof raw->header + size)
        return 0;
    if (size == sizeof half)
        memcpy(&half, raw->bytes + sizeof raw->header, sizeof half);
    else
        memcpy(&number, raw->bytes + sizeof raw->header, sizeof number);
    return number + half;
}

void rts_trace_take_own(struct rts_trace *trace, const struct rts_trace_raw *raw)
{
    switch (raw->header.type) {
    case RTS_PERF_RECORD_ATTR: take_attr(trace, raw); break;
    case RTS_PERF_RECORD_EVENT_UPDATE: take_event_update(trace, raw); break;
    case RTS_PERF_RECORD_FEATURE: take_feature(trace, raw); break;
    case RTS_PERF_RECORD_BUILD_ID:
        rts_trace_build_ids_take(&trace->build_ids, raw->bytes, raw->header.size);
        break;
    case RTS_PERF_RECORD_FINISHED_ROUND: rts_trace_order_end_round(&trace->order); break;
    case RTS_PERF_RECORD_TRACING_DATA:
        if (trace->header.is_pipe)
            skip_data(trace, raw, (number_behind_header(raw, 4) + 7) / 8 * 8);
        break;
    case RTS_PERF_RECORD_AUXTRACE: skip_data(trace, raw, number_behind_header(raw, 8)); break;
    default: break;
    }
}
