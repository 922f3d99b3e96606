/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_image.h"

#include <string.h>

#include "capture/record_encode.h"
#include "util/clock.h"

#define READ_AGAIN_NS RTS_NS_PER_S

struct reading {
    struct rts_buffer *out;
    const struct rts_record_layout *layout;
    int32_t pid;
    uint64_t time;
    uint64_t digest;
};

static void take_line(void *context, const struct rts_maps_line *line)
{
    struct reading *reading = context;
    if (!line->executable)
        return;
    const struct rts_record record = {
        .kind = RTS_RECORD_MMAP,
        .pid = reading->pid,
        .tid = reading->pid,
        .time = reading->time,
        .mmap =
            {
                .start = line->start,
                .size = line->end - line->start,
                .offset = line->offset,
                .has_identity = true,
                .major = line->major,
                .minor = line->minor,
                .inode = line->inode,
                .executable = true,
                .path = line->path,
            },
    };
    const uint64_t place[] = {line->start, line->end, line->offset, line->inode};
    reading->digest = rts_hash_bytes(place, sizeof place, reading->digest);
    reading->digest = rts_hash_bytes(line->path, strlen(line->path), reading->digest);
    rts_record_encode(&record, reading->layout, reading->out);
}

void rts_ptrace_image_write(struct rts_buffer *out, const struct rts_record_layout *layout,
                            rts_capture_maps_reader *read_maps, const struct rts_proc *proc,
                            struct rts_ptrace_process *process, const struct rts_ptrace_stat *stat,
                            uint64_t now)
{
    struct rts_ptrace_stat *known = &process->image;
    bool executed = process->unheard_of || stat->code_start != known->code_start ||
                    stat->stack_start != known->stack_start;
    bool read_lately = process->maps_digest && now - process->maps_read_ns < READ_AGAIN_NS;
    if (!executed && read_lately && stat->memory_size == known->memory_size)
        return;
    size_t before = out->size;
    if (executed) {
        const struct rts_record record = {
            .kind = RTS_RECORD_COMM,
            .pid = process->pid,
            .tid = process->pid,
            .time = now,
            .comm = {.name = stat->name, .exec = true},
        };
        rts_record_encode(&record, layout, out);
    }
    struct reading reading = {
        .out = out,
        .layout = layout,
        .pid = process->pid,
        .time = now,
        .digest = 1,
    };
    /* The first thread may have ended before the others: then this fails, and whoever reads the
     * records finds the maps through another one. */
    bool read = read_maps(proc, process->pid, take_line, &reading, NULL) > 0;
    if (!read || (!executed && reading.digest == process->maps_digest))
        out->size = before; /* nothing new; or not to be had, and to be tried again */
    if (!read)
        return;
    process->unheard_of = false;
    process->maps_digest = reading.digest;
    process->maps_read_ns = now;
    *known = *stat;
}
