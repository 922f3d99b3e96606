/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near_reader.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "capture/near_memory.h"
#include "capture/perf_limits.h"
#include "capture/ring.h"
#include "sealing/seal.h"
#include "util/clock.h"
#include "util/memory.h"

#if defined __x86_64__
#define STACK_POINTER PERF_REG_X86_SP
#elif defined __aarch64__
#define STACK_POINTER PERF_REG_ARM64_SP
#endif

/* A record has at most that. */
#define RECORD_SIZE_MAX ((size_t)64 << 10)

/* A thread has the scratch memory of a record elsewhere. */
#define THREAD_STACK_BYTES ((size_t)256 << 10)

/* Whoever comes later than that has not gone before the sampled thread, and need not read. */
#define LATE_NS 5000000u

/* What others may have of the CPU before it is our turn, where that can be said (Linux 6.12). */
#define SLICE_NS 100000u
#define NICE     (-10)

/* Beyond the numbers that systems give to users, and those of their namespaces. */
#define NOBODY 0x7ffeff17u

struct reader {
    const struct rts_near_setup *setup;
    struct rts_near_memory *memory;
    unsigned cpu;
    cpu_set_t *here; /* that CPU alone: made beforehand, as a thread's first allocation may want to
                        know how many CPUs there are, and open files for that */
    int fd;
    struct rts_ring ring;
    uint64_t position; /* records before it were looked at */
    uint8_t *scratch;
    uint8_t *stack; /* what is there of a sample's copy */
};

/* ---- its turn ---- */

/* <linux/sched/types.h> cannot be had beside <sched.h>. */
struct sched_attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

enum rts_near_schedule rts_near_go_first(void)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    struct sched_attributes slice = {.size = 48, .runtime = SLICE_NS};
    /* Each call is for the calling thread alone. */
    if (sched_setscheduler(0, SCHED_FIFO, &lowest) == 0)
        return RTS_NEAR_FIFO;
    bool has_slice = syscall(SYS_sched_setattr, 0, &slice, 0) == 0;
    if (setpriority(PRIO_PROCESS, 0, NICE) == 0)
        return RTS_NEAR_NICE;
    return has_slice ? RTS_NEAR_SLICE : RTS_NEAR_USUAL;
}

static cpu_set_t *only(unsigned cpu)
{
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    if (!set)
        return NULL;
    CPU_ZERO_S(CPU_ALLOC_SIZE(cpu + 1), set);
    CPU_SET_S(cpu, CPU_ALLOC_SIZE(cpu + 1), set);
    return set;
}

static int stay(const struct reader *reader)
{
    return sched_setaffinity(0, CPU_ALLOC_SIZE(reader->cpu + 1), reader->here) < 0 ? errno : 0;
}

/* ---- one sample ---- */

static uint64_t stack_pointer(const struct rts_sample *sample)
{
    uint64_t below = sample->register_set & ((1ULL << STACK_POINTER) - 1);
    return sample->registers[__builtin_popcountll(below)];
}

/* Reads one range; what is not there is not read. */
static uint32_t read_range(int32_t tid, uint64_t address, uint8_t *to, uint32_t size, int *error)
{
    const struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t copied = process_vm_readv((pid_t)tid, &local, 1, &remote, 1, 0);
    if (copied < 0 && errno != EFAULT)
        *error = errno;
    return copied > 0 ? (uint32_t)copied : 0;
}

/* Is the thread's stack what the sample has of it? */
static bool has_same_stack(struct reader *reader, const struct rts_record *record, uint64_t sp,
                           int *error)
{
    const struct rts_sample *sample = &record->sample;
    const uint32_t size = (uint32_t)sample->stack_size;
    return size == 0 || (size <= RECORD_SIZE_MAX &&
                         read_range(record->tid, sp, reader->stack, size, error) == size &&
                         memcmp(reader->stack, sample->stack, size) == 0);
}

static void read_near(struct reader *reader, const struct rts_record *sample,
                      const struct rts_near_plan *plan)
{
    uint8_t *room =
        rts_near_lane_room(reader->memory, reader->cpu, (size_t)rts_near_plan_bytes(plan));
    struct rts_near_blob blob = {
        .pid = sample->pid,
        .tid = sample->tid,
        .sample_ns = sample->time,
        .begin_ns = rts_clock_monotonic_ns(),
    };
    if (!room || blob.begin_ns - sample->time > LATE_NS)
        return;
    uint64_t sp = stack_pointer(&sample->sample);
    uint32_t offset = 0;
    rts_near_lane_begin(reader->memory, reader->cpu, sample->pid, blob.begin_ns);
    const bool same = has_same_stack(reader, sample, sp, &blob.error);
    for (unsigned i = 0; i < RTS_NEAR_RANGES_MAX && same; i++) {
        const struct rts_near_range *range = &plan->ranges[i];
        if (range->base == RTS_NEAR_NOTHING || range->size == 0)
            continue;
        uint64_t address = rts_near_range_start(range, sp, sp + sample->sample.stack_size);
        uint32_t size = read_range(sample->tid, address, room + offset, range->size, &blob.error);
        if (size == 0)
            continue;
        blob.pieces[blob.count++] = (struct rts_near_piece){address, size, offset};
        offset += size;
    }
    blob.end_ns = rts_clock_monotonic_ns();
    rts_near_lane_end(reader->memory, reader->cpu);
    if (blob.count > 0)
        blob.error = 0;
    rts_near_lane_put(reader->memory, reader->cpu, &blob);
}

/* The newest sample that has come, which is that of the thread that waits behind us; NULL: there is
 * none. */
static const struct perf_event_header *newest(struct reader *reader, uint64_t head)
{
    const struct rts_ring *ring = &reader->ring;
    uint64_t sample = head, position = reader->position;
    uint64_t tail = __atomic_load_n(&ring->page->data_tail, __ATOMIC_ACQUIRE);
    /* What was taken is written over. */
    if (position < tail || head - position > ring->data_size)
        position = tail;
    while (position < head) {
        struct perf_event_header header = rts_ring_header(ring, position, head);
        if (header.size == 0)
            break;
        if (header.type == PERF_RECORD_SAMPLE)
            sample = position;
        position += header.size;
    }
    reader->position = head;
    return sample < head ? rts_ring_record(ring, sample, head, reader->scratch) : NULL;
}

static void look(struct reader *reader)
{
    struct rts_record record;
    struct rts_near_plan plan;
    const struct perf_event_header *bytes = newest(reader, rts_ring_head(&reader->ring));
    if (!bytes || rts_record_decode(bytes, &reader->setup->layout, &record) < 0 ||
        !record.sample.registers || !(record.sample.register_set >> STACK_POINTER & 1) ||
        record.sample.register_abi != PERF_SAMPLE_REGS_ABI_64 ||
        !rts_near_memory_find(reader->memory, record.pid, &plan))
        return;
    record.time += (uint64_t)reader->setup->clock_offset_ns;
    read_near(reader, &record, &plan);
}

static void *serve(void *argument)
{
    struct reader *reader = argument;
    struct rts_near_lane_state state = {.error = stay(reader)};
    state.schedule = state.error ? RTS_NEAR_REFUSED : rts_near_go_first();
    rts_near_lane_tell(reader->memory, reader->cpu, &state);
    reader->position = rts_ring_head(&reader->ring);
    while (!state.error) {
        struct pollfd wait = {.fd = reader->fd, .events = POLLIN};
        int ready = poll(&wait, 1, -1);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0 || !(wait.revents & POLLIN))
            break;
        look(reader);
        rts_near_memory_set_cpu(reader->memory, rts_clock_process_cpu_ns());
    }
    return NULL;
}

/* ---- the process ---- */

/* For what we may it is the effective user that counts, and the real one for what we lock. */
bool rts_near_disown(void)
{
    return !rts_perf_keeps_second_mapping() || syscall(SYS_setresuid, NOBODY, -1, -1) == 0;
}

static bool map_ring(struct reader *reader)
{
    if (reader->setup->refused) {
        errno = EUSERS;
        return false;
    }
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = reader->setup->ring_bytes;
    uint8_t *memory = mmap(NULL, page + bytes, PROT_READ, MAP_SHARED, reader->fd, 0);
    if (memory == MAP_FAILED)
        return false;
    reader->ring =
        (struct rts_ring){.page = (void *)memory, .data = memory + page, .data_size = bytes};
    return true;
}

static void start(struct reader *reader, const pthread_attr_t *attributes)
{
    struct rts_near_lane_state refused = {.schedule = RTS_NEAR_REFUSED};
    pthread_t thread;
    reader->scratch = rts_calloc(1, RECORD_SIZE_MAX);
    reader->stack = rts_calloc(1, RECORD_SIZE_MAX);
    reader->here = only(reader->cpu);
    refused.error = !reader->here      ? ENOMEM
                    : map_ring(reader) ? pthread_create(&thread, attributes, serve, reader)
                                       : errno;
    if (refused.error)
        rts_near_lane_tell(reader->memory, reader->cpu, &refused);
}

/* Takes one message and starts its readers. Returns 1 when there is another one, 0 when it was the
 * last one, -1 when it is none. All that is made here stays until the process ends. */
static int take_setup(int socket, bool may_map, struct rts_near_memory **memory,
                      const pthread_attr_t *attributes)
{
    struct rts_near_setup *setup = rts_calloc(1, sizeof *setup);
    int fds[RTS_MESSAGE_FDS_MAX];
    struct rts_message message = {
        .head = setup, .head_size = sizeof *setup, .fds = fds, .fd_count = RTS_MESSAGE_FDS_MAX};
    if (rts_message_receive(socket, &message, 0) <= 0)
        return -1;
    setup->refused = !may_map;
    size_t first = *memory ? 0 : 1;
    if (setup->ring_count > RTS_NEAR_RINGS_MAX || message.fd_count != first + setup->ring_count)
        return -1;
    if (!*memory && !(*memory = rts_near_memory_open(fds[0], setup->cpu_count)))
        return -1;
    for (uint32_t i = 0; i < setup->ring_count; i++) {
        struct reader *reader = rts_calloc(1, sizeof *reader);
        *reader = (struct reader){
            .setup = setup, .memory = *memory, .cpu = setup->cpus[i], .fd = fds[first + i]};
        if (reader->cpu < setup->cpu_count)
            start(reader, attributes);
    }
    return setup->more != 0;
}

void rts_near_reader_run(int socket)
{
    struct rts_near_memory *memory = NULL;
    pthread_attr_t attributes;
    char nothing;
    prctl(PR_SET_NAME, "rtsample-near");
    const bool may_map = rts_near_disown();
    rts_seal(RTS_SEAL_NEAR_READER, 0, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    int more;
    while ((more = take_setup(socket, may_map, &memory, &attributes)) > 0)
        ;
    /* Nothing else is said here: the other side is gone when this returns. */
    ssize_t heard = more == 0 ? 1 : 0;
    while (heard > 0 || (heard < 0 && errno == EINTR))
        heard = recv(socket, &nothing, 1, 0);
    _exit(0);
}
