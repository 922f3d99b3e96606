/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/held_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/memory.h"
#include "util/nameless_file.h"
#include "util/whole_io.h"

struct batch {
    size_t size;
    uint64_t lines;
    bool in_file; /* behind the one before that is; else in memory, likewise */
};

struct rts_held_lines {
    struct batch *batches;
    size_t count, capacity, taken;
    uint64_t lines;
    struct rts_buffer memory;
    size_t memory_taken;
    int fd; /* -1: none yet */
    uint64_t file_size, file_taken;
};

struct rts_held_lines *rts_held_lines_create(void)
{
    struct rts_held_lines *held = rts_calloc(1, sizeof *held);
    held->fd = -1;
    return held;
}

void rts_held_lines_destroy(struct rts_held_lines *held)
{
    if (!held)
        return;
    if (held->fd >= 0)
        close(held->fd);
    rts_buffer_finish(&held->memory);
    free(held->batches);
    free(held);
}

static int put_into_file(struct rts_held_lines *held, const struct rts_buffer *lines,
                         struct rts_error *error)
{
    if (held->fd < 0)
        held->fd = rts_nameless_file(NULL);
    if (held->fd >= 0 && lseek(held->fd, (off_t)held->file_size, SEEK_SET) >= 0 &&
        rts_write_all(held->fd, lines->data, lines->size)) {
        held->file_size += lines->size;
        return 0;
    }
    return rts_fail_errno(error, errno, "cannot keep facts in a temporary file");
}

int rts_held_lines_add(struct rts_held_lines *held, const struct rts_buffer *lines, uint64_t count,
                       struct rts_error *error)
{
    bool in_file = lines->size > RTS_HELD_MEMORY_MAX - held->memory.size;
    if (in_file && put_into_file(held, lines, error) < 0)
        return -1;
    if (!in_file)
        rts_buffer_append(&held->memory, lines->data, lines->size);
    held->batches = rts_grow(held->batches, held->count, &held->capacity, sizeof *held->batches);
    held->batches[held->count++] = (struct batch){lines->size, count, in_file};
    held->lines += count;
    return 0;
}

uint64_t rts_held_lines_count(const struct rts_held_lines *held)
{
    return held->lines;
}

static int read_from_file(struct rts_held_lines *held, size_t size, struct rts_buffer *lines,
                          struct rts_error *error)
{
    char bytes[16384];
    while (size > 0) {
        ssize_t count = pread(held->fd, bytes, size < sizeof bytes ? size : sizeof bytes,
                              (off_t)held->file_taken);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return rts_fail_errno(error, count < 0 ? errno : EIO,
                                  "cannot read facts from a temporary file again");
        rts_buffer_append(lines, bytes, (size_t)count);
        held->file_taken += (uint64_t)count;
        size -= (size_t)count;
    }
    return 0;
}

int rts_held_lines_take(struct rts_held_lines *held, struct rts_buffer *lines, uint64_t *count,
                        struct rts_error *error)
{
    rts_buffer_clear(lines);
    if (held->taken == held->count)
        return 0;
    const struct batch *batch = &held->batches[held->taken];
    if (batch->in_file) {
        if (read_from_file(held, batch->size, lines, error) < 0)
            return -1;
    } else {
        rts_buffer_append(lines, held->memory.data + held->memory_taken, batch->size);
        held->memory_taken += batch->size;
    }
    *count = batch->lines;
    held->lines -= batch->lines;
    held->taken++;
    return 1;
}
