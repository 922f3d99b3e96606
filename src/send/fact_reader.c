/* SPDX-License-Identifier: Apache-2.0 */
#include "send/fact_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delivery/batch.h"
#include "facts/checked_line.h"
#include "util/buffer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

#define READ_BYTES (256u << 10)

/* A good line within the current batch. Offsets, since the batch moves as it grows. */
struct entry {
    size_t json, json_size;
    size_t symbol_id, symbol_id_size;
    size_t time, time_size;
};

struct rts_fact_reader {
    uint32_t batch_lines, linger_ms;
    int wake;

    const char *name;
    int fd;
    uint64_t line, wrong;
    bool ended;            /* all of the input was read */
    bool skipping;         /* within a line that is too long */
    bool first;            /* nothing was read yet */
    char *input;           /* READ_BYTES beyond the longest line */
    size_t position, size; /* of what is not taken yet */

    struct rts_buffer lines, sorted;
    struct entry *entries;
    size_t count, capacity;
    uint64_t hits;
    bool in_order;
    bool held; /* the batch is handed out: forget it with the next call */
};

#define INPUT_BYTES (RTS_CHECKED_LINE_MAX + 2 + READ_BYTES)

struct rts_fact_reader *rts_fact_reader_create(uint32_t batch_lines, uint32_t linger_ms, int wake)
{
    struct rts_fact_reader *reader = rts_calloc(1, sizeof *reader);
    reader->batch_lines = batch_lines;
    reader->linger_ms = linger_ms;
    reader->wake = wake;
    reader->input = rts_calloc(1, INPUT_BYTES);
    return reader;
}

void rts_fact_reader_destroy(struct rts_fact_reader *reader)
{
    if (!reader)
        return;
    rts_buffer_finish(&reader->lines);
    rts_buffer_finish(&reader->sorted);
    free(reader->entries);
    free(reader->input);
    free(reader);
}

static void forget_batch(struct rts_fact_reader *reader)
{
    rts_buffer_clear(&reader->lines);
    rts_buffer_clear(&reader->sorted);
    reader->count = 0;
    reader->hits = 0;
    reader->in_order = true;
    reader->held = false;
}

void rts_fact_reader_begin(struct rts_fact_reader *reader, const char *name, int fd)
{
    forget_batch(reader);
    reader->name = name;
    reader->fd = fd;
    reader->line = reader->wrong = 0;
    reader->ended = reader->skipping = false;
    reader->first = true;
    reader->position = reader->size = 0;
}

bool rts_fact_reader_is_done(const struct rts_fact_reader *reader)
{
    return reader->ended;
}

uint64_t rts_fact_reader_line(const struct rts_fact_reader *reader)
{
    return reader->line;
}

uint64_t rts_fact_reader_wrong(const struct rts_fact_reader *reader)
{
    return reader->wrong;
}

void rts_fact_reader_end(const struct rts_fact_reader *reader)
{
    if (reader->wrong > RTS_FACT_READER_NAMED_MAX)
        rts_log("%s: %" PRIu64 " more lines are wrong", reader->name,
                reader->wrong - RTS_FACT_READER_NAMED_MAX);
}

/* ---- batches ---- */

static struct rts_checked_line line_of(const struct rts_fact_reader *reader,
                                       const struct entry *entry)
{
    const char *base = reader->lines.data;
    return (struct rts_checked_line){
        .json = {base + entry->json, entry->json_size},
        .symbol_id = {base + entry->symbol_id, entry->symbol_id_size},
        .time = {base + entry->time, entry->time_size},
    };
}

static int compare_entries(const void *a, const void *b, void *reader)
{
    struct rts_checked_line first = line_of(reader, a), second = line_of(reader, b);
    return rts_checked_line_compare(&first, &second);
}

static void add_line(struct rts_fact_reader *reader, const struct rts_checked_line *line)
{
    size_t at = reader->lines.size;
    const char *begin = line->json.text;
    reader->entries =
        rts_grow(reader->entries, reader->count, &reader->capacity, sizeof *reader->entries);
    struct entry *entry = &reader->entries[reader->count++];
    *entry = (struct entry){
        .json = at,
        .json_size = line->json.size,
        .symbol_id = at + (size_t)(line->symbol_id.text - begin),
        .symbol_id_size = line->symbol_id.size,
        .time = line->time.size ? at + (size_t)(line->time.text - begin) : at,
        .time_size = line->time.size,
    };
    reader->hits += line->hits;
    rts_buffer_append(&reader->lines, begin, line->json.size);
    rts_buffer_append(&reader->lines, "\n", 1);
    if (reader->count > 1 && reader->in_order)
        reader->in_order = compare_entries(entry - 1, entry, reader) <= 0;
}

static int hand_out(struct rts_fact_reader *reader, struct rts_fact_batch *batch)
{
    const struct rts_buffer *lines = &reader->lines;
    if (!reader->in_order) {
        qsort_r(reader->entries, reader->count, sizeof *reader->entries, compare_entries, reader);
        for (size_t i = 0; i < reader->count; i++)
            rts_buffer_append(&reader->sorted, reader->lines.data + reader->entries[i].json,
                              reader->entries[i].json_size + 1);
        lines = &reader->sorted;
    }
    *batch = (struct rts_fact_batch){
        .lines = lines->data,
        .size = lines->size,
        .count = reader->count,
        .hits = reader->hits,
    };
    reader->held = true;
    return 1;
}

/* ---- lines ---- */

static void count_wrong(struct rts_fact_reader *reader, const char *reason)
{
    if (reader->wrong++ < RTS_FACT_READER_NAMED_MAX)
        rts_log("%s:%" PRIu64 ": %s", reader->name, reader->line, reason);
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", text[i]) || !text[i])
            return false;
    return true;
}

/* Takes a line without its LF. False: it does not fit into the current batch, and stays. */
static bool take_line(struct rts_fact_reader *reader, const char *text, size_t size)
{
    struct rts_checked_line line;
    struct rts_error error;
    if (is_blank(text, size)) {
        reader->line++;
        return true;
    }
    int result = rts_checked_line_read(&line, text, size, &error);
    if (result == 0 && reader->count > 0 &&
        reader->lines.size + line.json.size + 1 > RTS_BATCH_LINES_MAX)
        return false;
    reader->line++;
    if (result == 0)
        add_line(reader, &line);
    else
        count_wrong(reader, error.text);
    return true;
}

/* Takes one line out of what was read. 1: done; 0: there is no whole line; -1: the batch is full.
 */
static int take_one(struct rts_fact_reader *reader)
{
    const char *begin = reader->input + reader->position;
    size_t size = reader->size - reader->position;
    const char *end = size ? memchr(begin, '\n', size) : NULL;
    if (!end && size > RTS_CHECKED_LINE_MAX) {
        if (!reader->skipping) {
            reader->line++;
            struct rts_error error;
            struct rts_checked_line line;
            rts_checked_line_read(&line, begin, size, &error);
            count_wrong(reader, error.text);
        }
        reader->skipping = true;
        reader->position = reader->size;
        return 0;
    }
    if (!end && (size == 0 || !reader->ended))
        return 0;
    size_t length = end ? (size_t)(end - begin) : size;
    if (reader->skipping)
        reader->skipping = false;
    else if (!take_line(reader, begin, length))
        return -1;
    reader->position += length + (end != NULL);
    return 1;
}

/* ---- reading ---- */

/* Waits for bytes. 1: there are some, or the end; 0: nothing in time; -1: we are to stop. */
static int wait_for_input(const struct rts_fact_reader *reader, int timeout_ms)
{
    struct pollfd fds[2] = {
        {.fd = reader->fd, .events = POLLIN},
        {.fd = reader->wake, .events = POLLIN},
    };
    int ready = poll(fds, 2, timeout_ms);
    if (fds[1].revents)
        return -1;
    return ready < 0 ? (errno == EINTR ? 0 : 1) : fds[0].revents != 0;
}

static int check_beginning(struct rts_fact_reader *reader, struct rts_error *error)
{
    const unsigned char *byte = (const unsigned char *)reader->input;
    if (reader->size >= 3 && memcmp(byte, "\xef\xbb\xbf", 3) == 0)
        reader->position = 3;
    if (reader->size >= 2 && byte[0] == 0x1f && byte[1] == 0x8b)
        return rts_fail(error, RTS_FAILED,
                        "%s: is compressed with gzip; use: gzip -dc %s | rtsample send ... -",
                        reader->name, reader->name);
    if (reader->size >= 2 && (memcmp(byte, "\xff\xfe", 2) == 0 || memcmp(byte, "\xfe\xff", 2) == 0))
        return rts_fail(error, RTS_FAILED, "%s: is UTF-16; facts have to be UTF-8", reader->name);
    return 0;
}

static int read_more(struct rts_fact_reader *reader, struct rts_error *error)
{
    memmove(reader->input, reader->input + reader->position, reader->size - reader->position);
    reader->size -= reader->position;
    reader->position = 0;
    ssize_t size = read(reader->fd, reader->input + reader->size, INPUT_BYTES - reader->size);
    if (size < 0)
        return errno == EINTR || errno == EAGAIN ? 0
                                                 : rts_fail(error, RTS_FAILED, "cannot read %s: %s",
                                                            reader->name, strerror(errno));
    reader->ended = size == 0;
    reader->size += (size_t)size;
    /* A pipe may begin with a single byte. */
    if (reader->first && (reader->size >= 3 || reader->ended)) {
        reader->first = false;
        return check_beginning(reader, error);
    }
    return 0;
}

/* Milliseconds that the current batch may still wait; -1: for ever. */
static int time_left(const struct rts_fact_reader *reader, uint64_t begun_ns)
{
    if (reader->count == 0)
        return -1;
    uint64_t waited_ms = (rts_clock_monotonic_ns() - begun_ns) / 1000000;
    return waited_ms < reader->linger_ms ? (int)(reader->linger_ms - waited_ms) : 0;
}

int rts_fact_reader_next(struct rts_fact_reader *reader, struct rts_fact_batch *batch,
                         struct rts_error *error)
{
    uint64_t begun_ns = rts_clock_monotonic_ns();
    if (reader->held)
        forget_batch(reader);
    for (;;) {
        int taken = 1;
        while (!reader->first && reader->count < reader->batch_lines && taken > 0)
            taken = take_one(reader);
        if (taken < 0 || reader->count == reader->batch_lines)
            return hand_out(reader, batch);
        if (reader->ended)
            return reader->count ? hand_out(reader, batch) : 0;
        if (reader->count == 0)
            begun_ns = rts_clock_monotonic_ns();
        int ready = wait_for_input(reader, time_left(reader, begun_ns));
        if (ready <= 0 && reader->count > 0)
            return hand_out(reader, batch);
        if (ready < 0)
            return 0;
        if (ready > 0 && read_more(reader, error) < 0)
            return -1;
    }
}
