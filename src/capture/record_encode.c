/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/record_encode.h"

#include <string.h>
#include <sys/mman.h>

/* The longest record: its size is 16 bits wide, and a multiple of 8. */
#define RECORD_MAX 65528

/* Longer paths do not exist on Linux. */
#define TEXT_MAX 4096

static void put(struct rts_buffer *out, uint64_t word)
{
    rts_buffer_append(out, &word, sizeof word);
}

static void put_pair(struct rts_buffer *out, uint32_t low, uint32_t high)
{
    uint32_t halves[2] = {low, high};
    rts_buffer_append(out, halves, sizeof halves);
}

static void put_text(struct rts_buffer *out, const char *text)
{
    static const char zeroes[8];
    size_t length = strnlen(text, TEXT_MAX);
    rts_buffer_append(out, text, length);
    rts_buffer_append(out, zeroes, 8 - length % 8);
}

static void put_task(struct rts_buffer *out, const struct rts_record *record)
{
    put_pair(out, (uint32_t)record->pid, (uint32_t)record->tid);
}

/* The sample_id that ends all but samples. */
static void put_trailer(struct rts_buffer *out, const struct rts_record *record)
{
    put_task(out, record);
    put(out, record->time);
    put_pair(out, record->cpu, 0);
    put(out, record->id);
}

static uint16_t put_mmap(struct rts_buffer *out, const struct rts_record *record)
{
    const struct rts_mmap_record *map = &record->mmap;
    put_task(out, record);
    put(out, map->start);
    put(out, map->size);
    put(out, map->offset);
    put_pair(out, map->major, map->minor);
    put(out, map->inode);
    put(out, 0); /* the inode's generation */
    put_pair(out, PROT_READ | (map->executable ? PROT_EXEC : 0), MAP_PRIVATE);
    put_text(out, map->path);
    return PERF_RECORD_MISC_USER | (map->executable ? 0 : PERF_RECORD_MISC_MMAP_DATA);
}

static uint16_t put_comm(struct rts_buffer *out, const struct rts_record *record)
{
    put_task(out, record);
    put_text(out, record->comm.name);
    return record->comm.exec ? PERF_RECORD_MISC_COMM_EXEC : 0;
}

static uint16_t put_fork(struct rts_buffer *out, const struct rts_record *record)
{
    put_pair(out, (uint32_t)record->pid, (uint32_t)record->task.parent_pid);
    put_pair(out, (uint32_t)record->tid, (uint32_t)record->task.parent_tid);
    put(out, record->time);
    return 0;
}

static uint16_t put_lost(struct rts_buffer *out, const struct rts_record *record)
{
    put(out, record->id);
    put(out, record->lost.records);
    return 0;
}

static void put_stack(struct rts_buffer *out, const struct rts_sample *sample, size_t start)
{
    size_t room = RECORD_MAX - (out->size - start) - 2 * sizeof(uint64_t);
    size_t asked = sample->stack_asked < room ? sample->stack_asked : room;
    asked &= ~(size_t)7;
    put(out, asked);
    if (asked == 0)
        return;
    rts_buffer_append(out, sample->stack, asked);
    put(out, sample->stack_size < asked ? sample->stack_size : asked);
}

static uint16_t put_sample(struct rts_buffer *out, const struct rts_record *record,
                           const struct rts_record_layout *layout, size_t start)
{
    const struct rts_sample *sample = &record->sample;
    put(out, record->id);
    put(out, sample->ip);
    put_task(out, record);
    put(out, record->time);
    put_pair(out, record->cpu, 0);
    if (layout->sample_type & PERF_SAMPLE_CALLCHAIN) {
        put(out, sample->callchain_size);
        rts_buffer_append(out, sample->callchain,
                          sample->callchain_size * sizeof *sample->callchain);
    }
    if (layout->sample_type & PERF_SAMPLE_REGS_USER) {
        bool known = sample->registers;
        put(out, known ? sample->register_abi : PERF_SAMPLE_REGS_ABI_NONE);
        size_t count = known ? (size_t)__builtin_popcountll(layout->user_registers) : 0;
        rts_buffer_append(out, sample->registers, count * sizeof *sample->registers);
    }
    if (layout->sample_type & PERF_SAMPLE_STACK_USER)
        put_stack(out, sample, start);
    return sample->kernel_mode ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER;
}

/* Registers are 64 at most, and what surrounds them is little. */
static bool fits(const struct rts_record *record)
{
    const size_t beside = 1024;
    return record->kind != RTS_RECORD_SAMPLE ||
           record->sample.callchain_size <= (RECORD_MAX - beside) / sizeof(uint64_t);
}

static uint32_t type_of(enum rts_record_kind kind)
{
    switch (kind) {
    case RTS_RECORD_SAMPLE: return PERF_RECORD_SAMPLE;
    case RTS_RECORD_MMAP: return PERF_RECORD_MMAP2;
    case RTS_RECORD_COMM: return PERF_RECORD_COMM;
    case RTS_RECORD_FORK: return PERF_RECORD_FORK;
    case RTS_RECORD_EXIT: return PERF_RECORD_EXIT;
    case RTS_RECORD_LOST: return PERF_RECORD_LOST;
    default: return 0;
    }
}

bool rts_record_encode(const struct rts_record *record, const struct rts_record_layout *layout,
                       struct rts_buffer *out)
{
    struct perf_event_header header = {.type = type_of(record->kind)};
    if (header.type == 0 || !fits(record))
        return false;
    size_t start = out->size;
    rts_buffer_append(out, &header, sizeof header);
    switch (record->kind) {
    case RTS_RECORD_SAMPLE: header.misc = put_sample(out, record, layout, start); break;
    case RTS_RECORD_MMAP: header.misc = put_mmap(out, record); break;
    case RTS_RECORD_COMM: header.misc = put_comm(out, record); break;
    case RTS_RECORD_LOST: header.misc = put_lost(out, record); break;
    default: header.misc = put_fork(out, record); break;
    }
    if (record->kind != RTS_RECORD_SAMPLE && layout->sample_id_all)
        put_trailer(out, record);
    header.size = (uint16_t)(out->size - start);
    memcpy(out->data + start, &header, sizeof header);
    return true;
}

void rts_record_put_mark(uint32_t type, struct rts_buffer *out)
{
    struct perf_event_header header = {.type = type, .size = sizeof header};
    rts_buffer_append(out, &header, sizeof header);
}
