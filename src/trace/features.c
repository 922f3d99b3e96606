/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/features.h"

#include <stdlib.h>
#include <string.h>

#include "util/cursor.h"
#include "util/memory.h"

/* Longer texts are none that anybody wrote. */
#define TEXT_MAX 4096

static uint32_t take_u32(struct rts_cursor *reader)
{
    return (uint32_t)rts_cursor_fixed(reader, sizeof(uint32_t));
}

static void take_text(struct rts_cursor *reader, char **text)
{
    size_t size = take_u32(reader);
    const char *bytes = (const char *)rts_cursor_take(reader, size);
    if (!bytes)
        return;
    size_t length = strnlen(bytes, size < TEXT_MAX ? size : TEXT_MAX);
    free(*text);
    *text = rts_calloc(length + 1, 1);
    memcpy(*text, bytes, length);
}

static void take_clock(struct rts_cursor *reader, struct rts_trace_features *features)
{
    take_u32(reader); /* the version of this feature; later ones have appended */
    features->clock_id = (int32_t)take_u32(reader);
    features->wall_ns = rts_cursor_fixed(reader, sizeof(uint64_t));
    features->clock_ns = rts_cursor_fixed(reader, sizeof(uint64_t));
    features->has_clock_data = !reader->failed;
}

/* The events once more, with names; which is which is told by their ids, or by the order. */
static void take_descriptions(struct rts_cursor *reader, struct rts_trace_attrs *attrs)
{
    uint32_t count = take_u32(reader), attr_size = take_u32(reader);
    for (uint32_t i = 0; i < count && i < RTS_TRACE_EVENTS_MAX && !reader->failed; i++) {
        rts_cursor_take(reader, attr_size);
        uint32_t id_count = take_u32(reader);
        size_t size = take_u32(reader);
        const char *name = (const char *)rts_cursor_take(reader, size);
        struct rts_trace_event *event = i < attrs->count ? &attrs->events[i] : NULL;
        for (uint32_t j = 0; j < id_count && !reader->failed; j++) {
            uint64_t id = rts_cursor_fixed(reader, sizeof(uint64_t));
            struct rts_trace_event *found = j == 0 ? rts_trace_attrs_find(attrs, id) : NULL;
            event = found ? found : event;
        }
        if (name && event && !event->name)
            rts_trace_event_name(event, name, size);
    }
}

static void take_build_ids(struct rts_cursor *reader, struct rts_trace_build_ids *build_ids)
{
    for (;;) {
        struct perf_event_header header;
        const uint8_t *record = reader->at;
        const uint8_t *bytes = rts_cursor_take(reader, sizeof header);
        if (!bytes)
            return;
        memcpy(&header, bytes, sizeof header);
        if (header.size < sizeof header || !rts_cursor_take(reader, header.size - sizeof header))
            return;
        rts_trace_build_ids_take(build_ids, record, header.size);
    }
}

void rts_trace_features_take(struct rts_trace_features *features, unsigned bit,
                             const uint8_t *bytes, size_t size, struct rts_trace_attrs *attrs,
                             struct rts_trace_build_ids *build_ids)
{
    struct rts_cursor reader = {.at = bytes, .end = bytes + size};
    switch (bit) {
    case RTS_PERF_BUILD_ID: take_build_ids(&reader, build_ids); break;
    case RTS_PERF_OS_RELEASE: take_text(&reader, &features->os_release); break;
    case RTS_PERF_VERSION: take_text(&reader, &features->version); break;
    case RTS_PERF_ARCH: take_text(&reader, &features->arch); break;
    case RTS_PERF_EVENT_DESC: take_descriptions(&reader, attrs); break;
    case RTS_PERF_DIR_FORMAT: features->is_directory = true; break;
    case RTS_PERF_CLOCK_DATA: take_clock(&reader, features); break;
    default: break;
    }
}

void rts_trace_features_finish(struct rts_trace_features *features)
{
    free(features->os_release);
    free(features->arch);
    free(features->version);
    *features = (struct rts_trace_features){0};
}
