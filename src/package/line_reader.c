/* SPDX-License-Identifier: Apache-2.0 */
#include "package/line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/memory.h"

struct rts_line_reader *rts_line_reader_take(struct rts_reading *reading, int fd, uint64_t offset)
{
    struct rts_line_reader *reader = rts_calloc(1, sizeof *reader);
    reader->reading = reading;
    reader->fd = fd;
    reader->next = offset;
    return reader;
}

struct rts_line_reader *rts_line_reader_open(struct rts_reading *reading, const char *path,
                                             uint64_t offset)
{
    int fd = rts_tree_open(&reading->tree, path);
    return fd < 0 ? NULL : rts_line_reader_take(reading, fd, offset);
}

void rts_line_reader_close(struct rts_line_reader *reader)
{
    if (!reader)
        return;
    close(reader->fd);
    free(reader);
}

/* Makes room and reads more; false at the end of the file. */
static bool fill(struct rts_line_reader *reader)
{
    memmove(reader->bytes, reader->bytes + reader->begin, reader->end - reader->begin);
    reader->end -= reader->begin;
    reader->begin = 0;
    if (reader->end == RTS_LINE_MAX) {
        reader->next += reader->end;
        reader->end = 0;
        reader->skipping = true;
    }
    uint64_t at = reader->next + reader->end;
    if (at >= RTS_LINE_FILE_MAX)
        return false;
    ssize_t size;
    do
        size =
            pread(reader->fd, reader->bytes + reader->end, RTS_LINE_MAX - reader->end, (off_t)at);
    while (size < 0 && errno == EINTR);
    if (size <= 0 || !rts_reading_take(reader->reading, (size_t)size))
        return false;
    reader->end += (size_t)size;
    return true;
}

char *rts_line_reader_next(struct rts_line_reader *reader)
{
    for (;;) {
        char *line = reader->bytes + reader->begin;
        size_t held = reader->end - reader->begin;
        char *feed = held ? memchr(line, '\n', held) : NULL;
        if (!feed) {
            if (fill(reader))
                continue;
            /* A last line without LF. */
            held = reader->end - reader->begin;
            if (held == 0 || reader->skipping)
                return NULL;
            line = reader->bytes + reader->begin;
            feed = line + held;
        }
        size_t size = (size_t)(feed - line);
        size_t taken = size < held ? size + 1 : size;
        reader->offset = reader->next;
        reader->next += taken;
        reader->begin += taken;
        *feed = '\0';
        if (!reader->skipping)
            return line;
        reader->skipping = false;
    }
}
