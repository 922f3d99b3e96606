/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/record_writer.h"

#include <string.h>

/* Paths have PATH_MAX bytes at most, and names 16. */
#define TEXT_MAX 4096

/* Return addresses in one record: the kernel's own default (perf_event_max_stack) is 127. */
#define CHAIN_MAX 1024

static void word(struct rts_buffer *out, uint64_t value)
{
    rts_buffer_append(out, &value, sizeof value);
}

static void halves(struct rts_buffer *out, int32_t low, int32_t high)
{
    int32_t both[2] = {low, high};
    rts_buffer_append(out, both, sizeof both);
}

/* Text with its NUL, filled up to whole words. */
static void text(struct rts_buffer *out, const char *value)
{
    static const char zeros[8];
    size_t length = strnlen(value, TEXT_MAX - 1);
    rts_buffer_append(out, value, length);
    rts_buffer_append(out, zeros, 8 - length % 8);
}

/* Begins a record; returns where. */
static size_t begin(struct rts_buffer *out, uint32_t type, uint16_t misc)
{
    struct perf_event_header header = {.type = type, .misc = misc};
    rts_buffer_append(out, &header, sizeof header);
    return out->size - sizeof header;
}

static void end(struct rts_buffer *out, size_t begun)
{
    uint16_t size = (uint16_t)(out->size - begun);
    memcpy(out->data + begun + offsetof(struct perf_event_header, size), &size, sizeof size);
}

/* What ends every record but samples, and then the record itself. */
static void end_with_trailer(struct rts_buffer *out, size_t begun,
                             const struct rts_record_layout *layout,
                             const struct rts_record *record)
{
    if (layout->sample_id_all) {
        halves(out, record->pid, record->tid);
        word(out, record->time);
        halves(out, (int32_t)record->cpu, 0);
        word(out, record->id);
    }
    end(out, begun);
}

static void append_stack(struct rts_buffer *out, const struct rts_sample *sample)
{
    static const char zeros[8];
    size_t size = sample->stack ? sample->stack_size : 0;
    if (size > RTS_RECORD_STACK_MAX)
        size = RTS_RECORD_STACK_MAX;
    size_t padding = (8 - size % 8) % 8;
    word(out, size + padding);
    if (size == 0)
        return;
    rts_buffer_append(out, sample->stack, size);
    rts_buffer_append(out, zeros, padding);
    word(out, size);
}

void rts_record_write_sample(struct rts_buffer *out, const struct rts_record_layout *layout,
                             const struct rts_record *record)
{
    const struct rts_sample *sample = &record->sample;
    size_t begun = begin(out, PERF_RECORD_SAMPLE,
                         sample->kernel_mode ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER);
    word(out, record->id);
    word(out, sample->ip);
    halves(out, record->pid, record->tid);
    word(out, record->time);
    halves(out, (int32_t)record->cpu, 0);
    if (layout->sample_type & PERF_SAMPLE_CALLCHAIN) {
        size_t count = sample->callchain_size < CHAIN_MAX ? sample->callchain_size : CHAIN_MAX;
        word(out, count);
        rts_buffer_append(out, sample->callchain, count * sizeof *sample->callchain);
    }
    if (layout->sample_type & PERF_SAMPLE_REGS_USER) {
        word(out, sample->registers ? sample->register_abi : PERF_SAMPLE_REGS_ABI_NONE);
        if (sample->registers)
            rts_buffer_append(out, sample->registers,
                              (size_t)__builtin_popcountll(layout->user_registers) *
                                  sizeof *sample->registers);
    }
    if (layout->sample_type & PERF_SAMPLE_STACK_USER)
        append_stack(out, sample);
    end(out, begun);
}

void rts_record_write_mmap(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record)
{
    const struct rts_mmap_record *map = &record->mmap;
    size_t begun = begin(out, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
    halves(out, record->pid, record->tid);
    word(out, map->start);
    word(out, map->size);
    word(out, map->offset);
    halves(out, (int32_t)map->major, (int32_t)map->minor);
    word(out, map->inode);
    word(out, 0);                               /* the inode's generation, which /proc has not */
    halves(out, map->executable ? 5 : 1, 0x02); /* PROT_READ | PROT_EXEC, MAP_PRIVATE */
    text(out, map->path);
    end_with_trailer(out, begun, layout, record);
}

void rts_record_write_comm(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record)
{
    size_t begun = begin(out, PERF_RECORD_COMM, record->comm.exec ? PERF_RECORD_MISC_COMM_EXEC : 0);
    halves(out, record->pid, record->tid);
    text(out, record->comm.name);
    end_with_trailer(out, begun, layout, record);
}

void rts_record_write_exit(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record)
{
    size_t begun = begin(out, PERF_RECORD_EXIT, 0);
    halves(out, record->pid, record->task.parent_pid);
    halves(out, record->tid, record->task.parent_tid);
    word(out, record->time);
    end_with_trailer(out, begun, layout, record);
}

void rts_record_write_lost(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record)
{
    size_t begun = begin(out, PERF_RECORD_LOST, 0);
    word(out, record->id);
    word(out, record->lost.records);
    end_with_trailer(out, begun, layout, record);
}
