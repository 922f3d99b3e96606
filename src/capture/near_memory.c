/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/memory.h"
#include "util/shared_memory.h"

/* All lanes together; each CPU gets an equal part, within the limits below. What is not written to
 * takes no memory. The largest blob has to fit. */
#define LANES_BYTES    ((size_t)64 << 20)
#define LANE_BYTES_MAX ((size_t)16 << 20)
#define LANE_BYTES_MIN ((size_t)4 << 20)

/* The largest page of Linux. */
#define HEAD_BYTES ((size_t)64 << 10)

/* Room from the beginning of a lane that is enough until the next drain, and for so many blobs. */
#define BEHIND_MIN   ((size_t)256 << 10)
#define BEHIND_BLOBS 32

/* Attempts to read plans that are being replaced: then this sample does without. */
#define ATTEMPTS 4

enum {
    BLOB = 1,
    PADDING = 2
};

/* What a blob and what padding begins with. */
struct head {
    uint32_t size; /* with all that follows; a multiple of 8 */
    uint32_t kind;
    int32_t pid, tid;
    uint64_t sample_ns, begin_ns, end_ns;
    int32_t error;
    uint32_t count;
    struct rts_near_piece pieces[RTS_NEAR_RANGES_MAX];
};

struct common {
    _Atomic uint32_t sequence; /* odd: plans are being replaced */
    _Atomic uint64_t cpu_ns;
    struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX];
};

struct lane {
    _Atomic uint64_t head; /* the reader's */
    _Atomic uint64_t tail; /* rtsample's */
    _Atomic uint32_t schedule;
    _Atomic int32_t error;
    _Atomic int32_t reading_pid;
    _Atomic uint64_t reading_since_ns;
};

struct rts_near_memory {
    uint8_t *bytes;
    size_t size, lane_bytes;
    unsigned cpu_count;
    uint64_t *positions; /* one's own end of each lane, which the other side cannot move */
    uint64_t *nexts;     /* behind the blob that was looked at */
};

static size_t lane_bytes_for(unsigned cpu_count)
{
    size_t bytes = LANE_BYTES_MAX;
    while (bytes > LANE_BYTES_MIN && bytes * cpu_count > LANES_BYTES)
        bytes /= 2;
    return bytes;
}

static size_t size_for(unsigned cpu_count)
{
    return HEAD_BYTES + cpu_count * (HEAD_BYTES + lane_bytes_for(cpu_count));
}

static struct common *common_of(const struct rts_near_memory *memory)
{
    return (struct common *)(void *)memory->bytes;
}

static struct lane *lane_of(const struct rts_near_memory *memory, unsigned cpu)
{
    return (struct lane *)(void *)(memory->bytes + HEAD_BYTES +
                                   cpu * (HEAD_BYTES + memory->lane_bytes));
}

static uint8_t *at(const struct rts_near_memory *memory, unsigned cpu, uint64_t position)
{
    return (uint8_t *)lane_of(memory, cpu) + HEAD_BYTES + (position & (memory->lane_bytes - 1));
}

/* Bytes from there to where the lane begins anew. */
static size_t until_end(const struct rts_near_memory *memory, uint64_t position)
{
    return memory->lane_bytes - (position & (memory->lane_bytes - 1));
}

/* ---- the memory ---- */

/* Accepts NULL, which stays that. */
static struct rts_near_memory *divide(void *bytes, unsigned cpu_count)
{
    if (!bytes)
        return NULL;
    struct rts_near_memory *memory = rts_calloc(1, sizeof *memory);
    *memory = (struct rts_near_memory){
        .bytes = bytes,
        .size = size_for(cpu_count),
        .lane_bytes = lane_bytes_for(cpu_count),
        .cpu_count = cpu_count,
        .positions = rts_calloc(cpu_count, sizeof *memory->positions),
        .nexts = rts_calloc(cpu_count, sizeof *memory->nexts),
    };
    return memory;
}

struct rts_near_memory *rts_near_memory_create(unsigned cpu_count, int *fd)
{
    return divide(rts_shared_memory_create("rtsample-near", size_for(cpu_count), fd), cpu_count);
}

struct rts_near_memory *rts_near_memory_open(int fd, unsigned cpu_count)
{
    return divide(rts_shared_memory_open(fd, size_for(cpu_count)), cpu_count);
}

void rts_near_memory_close(struct rts_near_memory *memory)
{
    if (!memory)
        return;
    munmap(memory->bytes, memory->size);
    free(memory->positions);
    free(memory->nexts);
    free(memory);
}

/* ---- what readers go by ---- */

void rts_near_memory_publish(struct rts_near_memory *memory,
                             const struct rts_near_process processes[RTS_NEAR_PROCESSES_MAX])
{
    struct common *common = common_of(memory);
    uint32_t sequence = atomic_load(&common->sequence) | 1;
    atomic_store(&common->sequence, sequence);
    atomic_thread_fence(memory_order_seq_cst);
    memcpy(common->processes, processes, sizeof common->processes);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store(&common->sequence, sequence + 1);
}

bool rts_near_memory_find(const struct rts_near_memory *memory, int32_t pid,
                          struct rts_near_plan *plan)
{
    struct common *common = common_of(memory);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint32_t sequence = atomic_load(&common->sequence);
        bool found = false;
        for (unsigned i = 0; i < RTS_NEAR_PROCESSES_MAX && !found; i++) {
            found = common->processes[i].pid == pid;
            if (found)
                memcpy(plan, &common->processes[i].plan, sizeof *plan);
        }
        atomic_thread_fence(memory_order_seq_cst);
        if (!(sequence & 1) && atomic_load(&common->sequence) == sequence)
            return found && pid > 0 && rts_near_plan_bytes(plan) <= RTS_NEAR_BYTES_MAX;
    }
    return false;
}

void rts_near_memory_set_cpu(struct rts_near_memory *memory, uint64_t cpu_ns)
{
    atomic_store(&common_of(memory)->cpu_ns, cpu_ns);
}

uint64_t rts_near_memory_cpu(const struct rts_near_memory *memory)
{
    return atomic_load(&common_of(memory)->cpu_ns);
}

/* ---- the reader's side of a lane ---- */

uint8_t *rts_near_lane_room(struct rts_near_memory *memory, unsigned cpu, size_t bytes)
{
    const size_t need = sizeof(struct head) + (bytes + 7) / 8 * 8;
    uint64_t *head = &memory->positions[cpu];
    uint64_t used = *head - atomic_load(&lane_of(memory, cpu)->tail);
    size_t end = until_end(memory, *head);
    size_t padding = need <= end ? 0 : end;
    /* What has been emptied is filled from its beginning again, so that little of it takes memory;
     * until that is seen, there is only as much room as was left behind. */
    size_t behind = memory->lane_bytes - end;
    if (used == 0 && behind >= BEHIND_MIN && behind / BEHIND_BLOBS >= need)
        padding = end;
    if (used > memory->lane_bytes || need + padding > memory->lane_bytes - used)
        return NULL;
    if (padding > 0) {
        const uint32_t pad[2] = {(uint32_t)padding, PADDING};
        memcpy(at(memory, cpu, *head), pad, sizeof pad);
        *head += padding;
        atomic_store(&lane_of(memory, cpu)->head, *head);
    }
    return at(memory, cpu, *head) + sizeof(struct head);
}

void rts_near_lane_put(struct rts_near_memory *memory, unsigned cpu,
                       const struct rts_near_blob *blob)
{
    struct head head = {
        .kind = BLOB,
        .pid = blob->pid,
        .tid = blob->tid,
        .sample_ns = blob->sample_ns,
        .begin_ns = blob->begin_ns,
        .end_ns = blob->end_ns,
        .error = blob->error,
        .count = blob->count,
    };
    size_t bytes = 0;
    for (uint32_t i = 0; i < blob->count; i++) {
        head.pieces[i] = blob->pieces[i];
        bytes = blob->pieces[i].offset + (size_t)blob->pieces[i].size;
    }
    head.size = (uint32_t)(sizeof head + (bytes + 7) / 8 * 8);
    memcpy(at(memory, cpu, memory->positions[cpu]), &head, sizeof head);
    memory->positions[cpu] += head.size;
    atomic_store(&lane_of(memory, cpu)->head, memory->positions[cpu]);
}

void rts_near_lane_tell(struct rts_near_memory *memory, unsigned cpu,
                        const struct rts_near_lane_state *state)
{
    struct lane *lane = lane_of(memory, cpu);
    atomic_store(&lane->error, state->error);
    atomic_store(&lane->schedule, (uint32_t)state->schedule);
}

void rts_near_lane_begin(struct rts_near_memory *memory, unsigned cpu, int32_t pid, uint64_t now)
{
    struct lane *lane = lane_of(memory, cpu);
    atomic_store(&lane->reading_since_ns, now);
    atomic_store(&lane->reading_pid, pid);
}

void rts_near_lane_end(struct rts_near_memory *memory, unsigned cpu)
{
    atomic_store(&lane_of(memory, cpu)->reading_pid, 0);
}

/* ---- rtsample's side of a lane ---- */

struct rts_near_lane_state rts_near_lane_state(const struct rts_near_memory *memory, unsigned cpu)
{
    struct lane *lane = lane_of(memory, cpu);
    return (struct rts_near_lane_state){
        .schedule = (enum rts_near_schedule)atomic_load(&lane->schedule),
        .error = atomic_load(&lane->error),
        .reading_pid = atomic_load(&lane->reading_pid),
        .reading_since_ns = atomic_load(&lane->reading_since_ns),
    };
}

static bool is_sound(const struct head *head, size_t available)
{
    if (head->kind != BLOB || head->size < sizeof *head || head->size % 8 ||
        head->size > available || head->count > RTS_NEAR_RANGES_MAX)
        return false;
    size_t bytes = head->size - sizeof *head;
    for (uint32_t i = 0; i < head->count; i++)
        if (head->pieces[i].offset > bytes || head->pieces[i].size > bytes - head->pieces[i].offset)
            return false;
    return true;
}

static bool take(const struct rts_near_memory *memory, unsigned cpu, size_t available,
                 struct rts_near_blob *blob, size_t *size)
{
    struct head head;
    uint8_t *bytes = at(memory, cpu, memory->positions[cpu]);
    size_t end = until_end(memory, memory->positions[cpu]);
    if (available > end)
        available = end;
    if (available < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    if (!is_sound(&head, available))
        return false;
    *size = head.size;
    *blob = (struct rts_near_blob){
        .pid = head.pid,
        .tid = head.tid,
        .sample_ns = head.sample_ns,
        .begin_ns = head.begin_ns,
        .end_ns = head.end_ns,
        .error = head.error,
        .count = head.error ? 0 : head.count,
        .bytes = bytes + sizeof head,
    };
    memcpy(blob->pieces, head.pieces, sizeof blob->pieces);
    return true;
}

bool rts_near_lane_oldest(struct rts_near_memory *memory, unsigned cpu, struct rts_near_blob *blob)
{
    struct lane *lane = lane_of(memory, cpu);
    uint64_t *tail = &memory->positions[cpu], available = atomic_load(&lane->head) - *tail;
    uint32_t pad[2];
    size_t size;
    if (available == 0 || available > memory->lane_bytes || available % 8)
        return false;
    memcpy(pad, at(memory, cpu, *tail), sizeof pad);
    if (pad[1] == PADDING) {
        if (pad[0] != until_end(memory, *tail) || pad[0] > available)
            return false;
        *tail += pad[0];
        available -= pad[0];
        atomic_store(&lane->tail, *tail);
    }
    if (available == 0 || !take(memory, cpu, (size_t)available, blob, &size))
        return false;
    memory->nexts[cpu] = *tail + size;
    return true;
}

void rts_near_lane_let_go(struct rts_near_memory *memory, unsigned cpu)
{
    memory->positions[cpu] = memory->nexts[cpu];
    atomic_store(&lane_of(memory, cpu)->tail, memory->positions[cpu]);
}
