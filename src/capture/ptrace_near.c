/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_near.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "broker/proc_limits.h"
#include "util/clock.h"

struct piece {
    struct perf_event_header header;
    int64_t tid;
    uint64_t time_ns;
    uint64_t address;
    uint64_t size; /* of what follows, which is padded to a multiple of 8 */
};

static struct rts_near_process *find(struct rts_ptrace_plans *plans, int32_t pid)
{
    for (unsigned i = 0; i < RTS_NEAR_PROCESSES_MAX; i++)
        if (plans->processes[i].pid == pid)
            return &plans->processes[i];
    return NULL;
}

bool rts_ptrace_plans_set(struct rts_ptrace_plans *plans, int32_t pid,
                          const struct rts_near_plan *plan)
{
    struct rts_near_process *process = find(plans, pid);
    if (!process && plan)
        process = find(plans, 0);
    if (process)
        *process = plan ? (struct rts_near_process){pid, *plan} : (struct rts_near_process){0};
    return process || !plan;
}

void rts_ptrace_plans_drop_ended(struct rts_ptrace_plans *plans)
{
    for (unsigned i = 0; i < RTS_NEAR_PROCESSES_MAX; i++)
        if (plans->processes[i].pid != 0 && kill((pid_t)plans->processes[i].pid, 0) < 0 &&
            errno == ESRCH)
            plans->processes[i] = (struct rts_near_process){0};
}

const struct rts_near_plan *rts_ptrace_plans_find(const struct rts_ptrace_plans *plans, int32_t pid)
{
    for (unsigned i = 0; i < RTS_NEAR_PROCESSES_MAX; i++)
        if (plans->processes[i].pid == pid)
            return &plans->processes[i].plan;
    return NULL;
}

static void put(struct rts_buffer *out, int32_t tid, uint64_t time_ns, uint64_t address,
                const uint8_t *bytes, size_t size)
{
    static const uint8_t zeroes[8];
    const size_t padding = -size % 8;
    struct piece piece = {
        .header = {.type = RTS_PTRACE_NEAR_TYPE, .size = (uint16_t)(sizeof piece + size + padding)},
        .tid = tid,
        .time_ns = time_ns,
        .address = address,
        .size = size,
    };
    rts_buffer_append(out, &piece, sizeof piece);
    rts_buffer_append(out, bytes, size);
    rts_buffer_append(out, zeroes, padding);
}

int rts_ptrace_near_read(struct rts_ptrace_reader *reader, int32_t tid,
                         const struct rts_near_plan *plan, const struct rts_ptrace_state *state,
                         uint64_t time_ns, uint64_t until_ns, struct rts_buffer *out)
{
    uint8_t bytes[RTS_PROC_MEMORY_MAX];
    for (unsigned i = 0; i < RTS_NEAR_RANGES_MAX && !state->is_32_bit; i++) {
        const struct rts_near_range *range = &plan->ranges[i];
        if (range->base == RTS_NEAR_NOTHING)
            continue;
        uint64_t address = rts_near_range_start(range, state->sp, state->sp + state->stack_size);
        for (size_t left = range->size, wanted; left > 0; left -= wanted, address += wanted) {
            if (until_ns != 0 && rts_clock_monotonic_ns() >= until_ns)
                return 0;
            wanted = left < sizeof bytes ? left : sizeof bytes;
            ssize_t got = rts_ptrace_state_read_more(reader, tid, address, bytes, wanted);
            if (got < 0)
                return -1;
            if (got > 0)
                put(out, tid, time_ns, address, bytes, (size_t)got);
            if ((size_t)got < wanted)
                break;
        }
    }
    return 0;
}

void rts_ptrace_pieces_finish(struct rts_ptrace_pieces *pieces)
{
    rts_buffer_finish(&pieces->bytes);
}

/* Does it go on where the last one has ended? */
static bool goes_on(const struct rts_near_blob *blob, uint64_t address)
{
    if (blob->count == 0)
        return false;
    const struct rts_near_piece *last = &blob->pieces[blob->count - 1];
    return last->address + last->size == address;
}

void rts_ptrace_pieces_add(struct rts_ptrace_pieces *pieces, const struct perf_event_header *header)
{
    struct rts_near_blob *blob = &pieces->blob;
    struct piece piece;
    memcpy(&piece, header, sizeof piece);
    if (blob->tid != (int32_t)piece.tid || blob->sample_ns != piece.time_ns) {
        *blob = (struct rts_near_blob){.tid = (int32_t)piece.tid, .sample_ns = piece.time_ns};
        rts_buffer_clear(&pieces->bytes);
    }
    if (goes_on(blob, piece.address))
        blob->pieces[blob->count - 1].size += (uint32_t)piece.size;
    else if (blob->count < RTS_NEAR_RANGES_MAX)
        blob->pieces[blob->count++] = (struct rts_near_piece){piece.address, (uint32_t)piece.size,
                                                              (uint32_t)pieces->bytes.size};
    else
        return;
    rts_buffer_append(&pieces->bytes, (const char *)header + sizeof piece, (size_t)piece.size);
}

const struct rts_near_blob *rts_ptrace_pieces_of(struct rts_ptrace_pieces *pieces,
                                                 const struct rts_record *sample)
{
    struct rts_near_blob *blob = &pieces->blob;
    if (blob->count == 0 || blob->tid != sample->tid || blob->sample_ns != sample->time)
        return NULL;
    blob->pid = sample->pid;
    blob->bytes = (const uint8_t *)pieces->bytes.data;
    return blob;
}
