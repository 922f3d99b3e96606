/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/mapping.h"
#include "process/maps_line.h"
#include "util/cleanup.h"

/* Longer than any line: of a path of 4 KiB each byte may be written as four. */
#define BLOCK 65536

struct selection {
    struct rts_maps_wanted wanted;
    struct rts_maps_text *text;
    struct rts_buffer below; /* the file below the address that was seen last */
    bool above;              /* the one above it was seen */
};

static void keep(struct selection *selection, const char *line, size_t size)
{
    struct rts_maps_text *text = selection->text;
    if (size + 1 > RTS_MAPS_TEXT_MAX - text->lines.size) {
        text->cut = true;
        return;
    }
    rts_buffer_append(&text->lines, line, size);
    rts_buffer_append(&text->lines, "\n", 1);
}

/* "7f0-7f1 r-xp ...": the third flag. */
static bool is_code(const char *line)
{
    const char *flags = strchr(line, ' ');
    return flags && strnlen(flags, 4) == 4 && flags[3] == 'x';
}

static bool is_file(const char *line, size_t size)
{
    char copy[BLOCK];
    struct rts_maps_line parsed;
    if (!memchr(line, '/', size))
        return false;
    memcpy(copy, line, size + 1);
    return rts_maps_parse(copy, &parsed) &&
           rts_mapping_kind_of(parsed.path, parsed.inode != 0) == RTS_MAPPING_FILE;
}

static void keep_near(struct selection *selection, const char *line, size_t size)
{
    const uint64_t address = selection->wanted.address;
    char *end;
    uint64_t first = strtoull(line, &end, 16);
    uint64_t last = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;
    if (selection->above || last <= first)
        return;
    if (last <= address) {
        if (!is_file(line, size))
            return;
        rts_buffer_clear(&selection->below);
        rts_buffer_append(&selection->below, line, size);
        return;
    }
    if (selection->below.size > 0)
        keep(selection, selection->below.data, selection->below.size);
    rts_buffer_clear(&selection->below);
    selection->above = first > address && is_file(line, size);
    if (first <= address || selection->above)
        keep(selection, line, size);
}

static void take_line(struct selection *selection, const char *line, size_t size)
{
    selection->text->read++;
    switch (selection->wanted.part) {
    case RTS_MAPS_CODE:
        if (is_code(line))
            keep(selection, line, size);
        break;
    case RTS_MAPS_NEAR: keep_near(selection, line, size); break;
    default: keep(selection, line, size);
    }
}

/* Reading on would keep nothing more. */
static bool is_full(const struct rts_maps_text *text)
{
    return text->cut || text->read >= RTS_MAPS_LINES_MAX;
}

/* Takes the lines in `block` of `size` bytes, which has room for a NUL behind them. Returns how
 * many bytes they were. */
static size_t take_lines(struct selection *selection, char *block, size_t size, bool last)
{
    size_t done = 0;
    while (done < size && !is_full(selection->text)) {
        char *line = block + done, *end = memchr(line, '\n', size - done);
        if (!end && !last)
            break;
        size_t length = end ? (size_t)(end - line) : size - done;
        line[length] = '\0';
        take_line(selection, line, length);
        done += length + (end != NULL);
    }
    return done;
}

static int read_all(int fd, struct selection *selection)
{
    char block[BLOCK];
    size_t size = 0;
    while (!is_full(selection->text)) {
        ssize_t count = read(fd, block + size, sizeof block - 1 - size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        size += (size_t)count;
        size_t done = take_lines(selection, block, size, count == 0);
        if (count == 0)
            return 0;
        if (done == 0 && size == sizeof block - 1)
            done = size; /* no line is so long */
        memmove(block, block + done, size - done);
        size -= done;
    }
    selection->text->cut = true;
    return 0;
}

int rts_maps_text_read(const char *proc_root, int32_t pid, const struct rts_maps_wanted *wanted,
                       struct rts_maps_text *text)
{
    char path[256];
    struct selection selection = {.wanted = *wanted, .text = text};
    snprintf(path, sizeof path, "%s/%d/maps", proc_root, (int)pid);
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result = fd < 0 ? -1 : read_all(fd, &selection), number = errno;
    if (result == 0 && selection.below.size > 0)
        keep(&selection, selection.below.data, selection.below.size);
    rts_buffer_finish(&selection.below);
    errno = number;
    return result;
}

void rts_maps_text_each(struct rts_maps_text *text,
                        void (*each)(void *context, const struct rts_maps_line *line),
                        void *context)
{
    char *rest = text->lines.data;
    for (char *one; (one = strsep(&rest, "\n"));) {
        struct rts_maps_line line;
        if (rts_maps_parse(one, &line))
            each(context, &line);
    }
}

void rts_maps_text_finish(struct rts_maps_text *text)
{
    rts_buffer_finish(&text->lines);
    *text = (struct rts_maps_text){.read = 0};
}
