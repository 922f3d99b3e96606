/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trace/note.h"
#include "trace/trace_state.h"
#include "util/memory.h"

/* Opening failed: the message begins with what the trace is called. */
static struct rts_trace *refuse(struct rts_trace *trace, struct rts_error *error,
                                const struct rts_error *cause)
{
    rts_fail(error, cause->failure, "%s: %s", trace->name, cause->text);
    rts_trace_close(trace);
    return NULL;
}

/* The header, once the input is open. Takes the trace over: NULL when it cannot be read. */
static struct rts_trace *read_beginning(struct rts_trace *trace, struct rts_error *error)
{
    struct rts_error cause;
    if (rts_trace_file_header_read(&trace->header, &trace->input, &trace->attrs, &cause) < 0)
        return refuse(trace, error, &cause);
    rts_trace_file_header_read_features(&trace->header, &trace->input, &trace->features,
                                        &trace->attrs, &trace->build_ids);
    if (trace->features.is_directory) {
        rts_fail(&cause, RTS_FAILED,
                 "perf record --threads wrote this, which is not read: record without --threads");
        return refuse(trace, error, &cause);
    }
    return trace;
}

struct rts_trace *rts_trace_open(const char *path, const struct rts_trace_options *options,
                                 struct rts_error *error)
{
    struct rts_trace *trace = rts_calloc(1, sizeof *trace);
    trace->name = rts_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (rts_trace_input_open(&trace->input, path, options ? options->wait : NULL,
                             options ? options->context : NULL, error) < 0) {
        rts_trace_close(trace);
        return NULL;
    }
    return read_beginning(trace, error);
}

struct rts_trace *rts_trace_open_fd(int fd, const char *name, struct rts_error *error)
{
    struct rts_trace *trace = rts_calloc(1, sizeof *trace);
    trace->name = rts_strdup(name);
    if (rts_trace_input_take_fd(&trace->input, fd, name, error) < 0) {
        rts_trace_close(trace);
        return NULL;
    }
    return read_beginning(trace, error);
}

void rts_trace_close(struct rts_trace *trace)
{
    if (!trace)
        return;
    rts_trace_order_finish(&trace->order);
    rts_trace_chunk_unref(trace->current);
    rts_trace_inflate_finish(&trace->inflate);
    rts_trace_input_finish(&trace->input);
    rts_trace_attrs_finish(&trace->attrs);
    rts_trace_features_finish(&trace->features);
    rts_trace_build_ids_finish(&trace->build_ids);
    free(trace->name);
    free(trace);
}

/* ---- the sequence of records ---- */

/* Can this be a record? False: reading ends before it. */
static bool check_header(struct rts_trace *trace, const struct perf_event_header *header,
                         uint64_t offset)
{
    if (header->size < sizeof *header)
        rts_trace_stop(trace, offset, "a record is said to have %u bytes", header->size);
    else if (header->type == 0 || header->type > RTS_PERF_RECORD_LAST)
        rts_trace_stop(trace, offset, "a record is said to be of the type %" PRIu32, header->type);
    return !trace->ended;
}

/* The next record of what the current compressed record holds; false: it is used up. */
static bool next_inflated(struct rts_trace *trace, struct rts_trace_raw *raw)
{
    struct rts_trace_inflate *inflate = &trace->inflate;
    struct rts_error error;
    int result = rts_trace_inflate_peek(inflate, sizeof raw->header, &raw->bytes, &error);
    if (result == 0 && raw->bytes) {
        memcpy(&raw->header, raw->bytes, sizeof raw->header);
        if (!check_header(trace, &raw->header, trace->compressed_at))
            return false;
        result = rts_trace_inflate_peek(inflate, raw->header.size, &raw->bytes, &error);
    }
    if (result < 0)
        rts_trace_stop(trace, trace->compressed_at, "%s", error.text);
    if (result < 0 || !raw->bytes)
        return false;
    raw->chunk = inflate->chunk;
    raw->offset = trace->compressed_at;
    rts_trace_inflate_take(inflate, raw->header.size);
    return true;
}

/* The next record as it lies in the file. */
static bool next_stored(struct rts_trace *trace, struct rts_trace_raw *raw)
{
    struct rts_trace_input *input = &trace->input;
    uint64_t offset = input->offset;
    raw->bytes = rts_trace_input_peek(input, sizeof raw->header);
    if (raw->bytes) {
        memcpy(&raw->header, raw->bytes, sizeof raw->header);
        if (!check_header(trace, &raw->header, offset))
            return false;
        raw->bytes = rts_trace_input_peek(input, raw->header.size);
    }
    if (!raw->bytes) {
        int number = errno;
        trace->ended = true;
        if (number)
            rts_trace_stop(trace, offset, "reading failed: %s", strerror(number));
        else if (rts_trace_input_left(input) > 0)
            rts_trace_stop(trace, offset, "it ends in the middle of a record");
        else if (!rts_trace_inflate_is_whole(&trace->inflate))
            rts_trace_stop(
                trace, offset,
                "the end of the compressed data was not written (perf record -z does so at times)");
        return false;
    }
    raw->chunk = input->chunk;
    raw->offset = offset;
    rts_trace_input_take(input, raw->header.size);
    return true;
}

static void begin_compressed(struct rts_trace *trace, const struct rts_trace_raw *raw, size_t size)
{
    struct rts_error error;
    const uint8_t *bytes = raw->bytes + (raw->header.size - size);
    trace->compressed_at = raw->offset;
    if (raw->header.type == RTS_PERF_RECORD_COMPRESSED2) {
        uint64_t told;
        if (size < sizeof told)
            return;
        memcpy(&told, bytes, sizeof told);
        bytes += sizeof told;
        size -= sizeof told;
        size = told < size ? (size_t)told : size;
    }
    if (rts_trace_inflate_feed(&trace->inflate, bytes, size, &error) < 0)
        rts_trace_stop(trace, raw->offset, "%s", error.text);
}

static bool next_raw(struct rts_trace *trace, struct rts_trace_raw *raw)
{
    while (!trace->ended) {
        if (trace->inflate.stream && next_inflated(trace, raw))
            return true;
        if (trace->ended || !next_stored(trace, raw))
            return false;
        if (raw->header.type != RTS_PERF_RECORD_COMPRESSED &&
            raw->header.type != RTS_PERF_RECORD_COMPRESSED2)
            return true;
        begin_compressed(trace, raw, raw->header.size - sizeof raw->header);
    }
    return false;
}

/* ---- in order ---- */

/* The record at an address that it can be decoded at, with a reference to its chunk. */
static struct rts_trace_item keep(struct rts_trace *trace, const struct rts_trace_raw *raw)
{
    struct rts_trace_item item = {.number = ++trace->number, .offset = raw->offset};
    if ((uintptr_t)raw->bytes % 8 == 0) {
        rts_trace_chunk_ref(raw->chunk);
        item.chunk = raw->chunk;
        item.header = (const struct perf_event_header *)(const void *)raw->bytes;
        return item;
    }
    item.chunk = rts_trace_chunk_create(raw->header.size);
    item.chunk->size = raw->header.size;
    memcpy(item.chunk->words, raw->bytes, raw->header.size);
    item.header = (const struct perf_event_header *)(const void *)item.chunk->words;
    return item;
}

/* Decodes what is passed on now. */
static void pass_on(struct rts_trace *trace, const struct rts_trace_item *item,
                    struct rts_trace_record *record)
{
    rts_trace_chunk_unref(trace->current);
    trace->current = item->chunk;
    *record = (struct rts_trace_record){.header = item->header, .offset = item->offset};
    record->event = rts_trace_attrs_of_record(&trace->attrs, item->header);
    const struct rts_record_layout layout =
        rts_trace_attrs_layout(&trace->attrs, record->event, item->header);
    record->malformed = rts_record_decode(item->header, &layout, &record->record) < 0;
    if (record->event || record->record.kind != RTS_RECORD_SAMPLE)
        return;
    record->malformed = true;
    trace->loss.unknown_ids++;
}

/* A record that only rtsample understands (trace/note.h); others of its type are of old perf. */
static bool is_note(const struct rts_trace_raw *raw)
{
    return raw->header.type == RTS_NOTE_RECORD_TYPE &&
           raw->header.size >= sizeof raw->header + sizeof RTS_NOTE_MAGIC - 1 &&
           memcmp(raw->bytes + sizeof raw->header, RTS_NOTE_MAGIC, sizeof RTS_NOTE_MAGIC - 1) == 0;
}

/* A record of a file that has to wait need not do so in memory. */
static void put_down(struct rts_trace_item *item)
{
    item->size = item->header->size;
    item->header = NULL;
    rts_trace_chunk_unref(item->chunk);
    item->chunk = NULL;
}

/* Reads it again. False: the file is not what it was. */
static bool pick_up(struct rts_trace *trace, struct rts_trace_item *item)
{
    struct rts_trace_chunk *chunk = rts_trace_chunk_create(item->size);
    struct perf_event_header header;
    chunk->size = item->size;
    if (rts_trace_input_read(&trace->input, item->offset, chunk->words, item->size)) {
        memcpy(&header, chunk->words, sizeof header);
        item->chunk = chunk;
        item->header = (const struct perf_event_header *)(const void *)chunk->words;
        if (header.size == item->size)
            return true;
        item->chunk = NULL;
    }
    rts_trace_chunk_unref(chunk);
    return false;
}

/* Takes a record in: true when it is to be passed on at once: it has no time and tells what was so
 * before the recording began, or the trace is one of ours. */
static bool take_in(struct rts_trace *trace, const struct rts_trace_raw *raw,
                    struct rts_trace_item *item)
{
    trace->in_order |= is_note(raw);
    if (raw->header.type >= RTS_PERF_RECORD_FIRST && !is_note(raw)) {
        rts_trace_take_own(trace, raw);
        return false;
    }
    *item = keep(trace, raw);
    if (trace->in_order)
        return true;
    const struct rts_trace_event *event = rts_trace_attrs_of_record(&trace->attrs, item->header);
    if (event && !event->layout.sample_id_all)
        return true; /* where most records have no time, their place in the file tells the order */
    item->time = event ? rts_record_time(item->header, &event->layout) : 0;
    if (item->time == 0 || item->time == UINT64_MAX)
        return true;
    if (trace->input.is_file && raw->chunk == trace->input.chunk)
        put_down(item);
    rts_trace_order_add(&trace->order, item);
    return false;
}

bool rts_trace_next(struct rts_trace *trace, struct rts_trace_record *record)
{
    struct rts_trace_item item;
    struct rts_trace_raw raw;
    for (;;) {
        if (rts_trace_order_take(&trace->order, trace->ended, &item)) {
            if (item.header || pick_up(trace, &item))
                break;
            if (!trace->loss.reason[0])
                rts_trace_stop(trace, item.offset, "the file was changed while it was read");
            continue;
        }
        if (!next_raw(trace, &raw)) {
            if (trace->order.count == 0)
                return false;
            continue;
        }
        if (take_in(trace, &raw, &item))
            break;
    }
    pass_on(trace, &item, record);
    return true;
}

const char *rts_trace_name(const struct rts_trace *trace)
{
    return trace->name;
}

const struct rts_trace_attrs *rts_trace_attrs(const struct rts_trace *trace)
{
    return &trace->attrs;
}

const struct rts_trace_features *rts_trace_features(const struct rts_trace *trace)
{
    return &trace->features;
}

const struct rts_trace_build_ids *rts_trace_build_ids(const struct rts_trace *trace)
{
    return &trace->build_ids;
}

uint64_t rts_trace_size(const struct rts_trace *trace)
{
    return trace->input.is_file ? trace->input.file_size : trace->input.offset;
}
