/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/file_header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/perf_file.h"
#include "util/cleanup.h"

#define PIPE_HEADER_SIZE 16
#define MAGIC_SWAPPED    "2ELIFREP"
#define MAGIC_OLD        "PERFFILE"

static int check_magic(const uint8_t *magic, struct rts_error *error)
{
    if (memcmp(magic, RTS_PERF_MAGIC, 8) == 0)
        return 0;
    if (memcmp(magic, MAGIC_SWAPPED, 8) == 0)
        return rts_fail(error, RTS_FAILED,
                        "the trace was recorded on a machine of the other byte order: replay it on "
                        "one of that kind");
    if (memcmp(magic, MAGIC_OLD, 8) == 0)
        return rts_fail(error, RTS_FAILED,
                        "the trace has the format of perf before 2010: record it with a later one");
    return rts_fail(error, RTS_FAILED,
                    "this is not a trace: it does not begin with \"" RTS_PERF_MAGIC
                    "\" (offset 0)");
}

static int add_event(const struct rts_trace_input *input, uint64_t offset, uint64_t attr_size,
                     struct rts_trace_attrs *attrs, struct rts_error *error)
{
    RTS_FREE uint8_t *entry = rts_trace_input_load(input, offset, attr_size);
    struct rts_perf_section ids;
    uint32_t event;
    if (!entry)
        return rts_fail(error, RTS_FAILED,
                        "the events reach beyond the end of the file (offset %" PRIu64 ")", offset);
    size_t size = (size_t)attr_size - sizeof ids;
    if (rts_trace_attrs_add(attrs, entry, size, &event, error) < 0)
        return -1;
    memcpy(&ids, entry + size, sizeof ids);
    RTS_FREE uint8_t *bytes = rts_trace_input_load(input, ids.offset, ids.size);
    if (!bytes)
        return rts_fail(error, RTS_FAILED,
                        "the ids of an event reach beyond the end of the file (offset %" PRIu64 ")",
                        offset + size);
    for (uint64_t at = 0; at + 8 <= ids.size && at / 8 < RTS_TRACE_IDS_MAX; at += 8) {
        uint64_t id;
        memcpy(&id, bytes + at, sizeof id);
        rts_trace_attrs_add_id(attrs, id, event);
    }
    return 0;
}

static int read_events(const struct rts_perf_header *file, const struct rts_trace_input *input,
                       struct rts_trace_attrs *attrs, struct rts_error *error)
{
    uint64_t each = file->attr_size;
    if (each < PERF_ATTR_SIZE_VER0 + sizeof(struct rts_perf_section) || each > UINT16_MAX)
        return rts_fail(error, RTS_FAILED,
                        "an event is said to be described in %" PRIu64 " bytes (offset 16)", each);
    for (uint64_t at = 0; at + each <= file->attrs.size; at += each) {
        if (file->attrs.offset > UINT64_MAX - file->attrs.size)
            break;
        if (add_event(input, file->attrs.offset + at, each, attrs, error) < 0)
            return -1;
    }
    if (attrs->count == 0)
        return rts_fail(error, RTS_FAILED, "the trace describes no event (offset 24)");
    return 0;
}

/* The part of the data that is there, whatever the header says. */
static int find_data(const struct rts_perf_header *file, struct rts_trace_file_header *header,
                     struct rts_trace_input *input, struct rts_error *error)
{
    uint64_t offset = file->data.offset, size = file->data.size;
    if (offset < sizeof *file || offset > input->file_size)
        return rts_fail(error, RTS_FAILED,
                        "the data is said to begin at %" PRIu64 ", and the file has %" PRIu64
                        " bytes (offset 40)",
                        offset, input->file_size);
    header->data = offset;
    /* Of a trace of ours that is not finished the size is that of a while ago. */
    bool has_features =
        file->features[0] | file->features[1] | file->features[2] | file->features[3];
    header->is_unfinished = size == 0 || !has_features;
    uint64_t there = input->file_size - offset;
    header->data_size = header->is_unfinished || size > there ? there : size;
    header->features_at = size <= there ? offset + size : UINT64_MAX;
    rts_trace_input_skip(input, offset - input->offset);
    input->end = offset + header->data_size;
    return 0;
}

int rts_trace_file_header_read(struct rts_trace_file_header *header, struct rts_trace_input *input,
                               struct rts_trace_attrs *attrs, struct rts_error *error)
{
    struct rts_perf_header file;
    uint64_t begin = input->offset;
    *header = (struct rts_trace_file_header){0};
    const uint8_t *bytes = rts_trace_input_peek(input, PIPE_HEADER_SIZE);
    if (!bytes && errno)
        return rts_fail_errno(error, errno, "cannot read the trace");
    if (!bytes && rts_trace_input_left(input) == 0)
        return rts_fail(error, RTS_FAILED,
                        "it is empty: the program that was to write a trace wrote none");
    if (!bytes)
        return rts_fail(error, RTS_FAILED, "this is not a trace: it has only %" PRIu64 " bytes",
                        rts_trace_input_left(input));
    memcpy(&file, bytes, PIPE_HEADER_SIZE);
    if (check_magic(bytes, error) < 0)
        return -1;
    if (file.size == PIPE_HEADER_SIZE) {
        rts_trace_input_take(input, PIPE_HEADER_SIZE);
        header->is_pipe = true;
        return 0;
    }
    if (begin != 0)
        return rts_fail(error, RTS_FAILED,
                        "this is not the beginning of the trace: something was read from it");
    if (!input->is_file && rts_trace_input_keep(input, error) < 0)
        return -1;
    /* Only the first published form, without most of the bits, is smaller. */
    bool is_short = file.size < sizeof file;
    if (is_short || !rts_trace_input_read(input, 0, &file, sizeof file))
        return rts_fail(error, RTS_FAILED, "the header of the trace is cut short (offset %d)",
                        is_short ? 8 : 0);
    memcpy(header->features, file.features, sizeof header->features);
    if (read_events(&file, input, attrs, error) < 0)
        return -1;
    return find_data(&file, header, input, error);
}

void rts_trace_file_header_read_features(const struct rts_trace_file_header *header,
                                         const struct rts_trace_input *input,
                                         struct rts_trace_features *features,
                                         struct rts_trace_attrs *attrs,
                                         struct rts_trace_build_ids *build_ids)
{
    uint64_t at = header->features_at;
    if (header->is_pipe || header->is_unfinished)
        return;
    for (unsigned bit = 0; bit < 256; bit++) {
        struct rts_perf_section section;
        if (!(header->features[bit / 64] >> (bit % 64) & 1))
            continue;
        if (!rts_trace_input_read(input, at, &section, sizeof section))
            return;
        at += sizeof section;
        RTS_FREE uint8_t *bytes = rts_trace_input_load(input, section.offset, section.size);
        if (bytes)
            rts_trace_features_take(features, bit, bytes, (size_t)section.size, attrs, build_ids);
    }
}
