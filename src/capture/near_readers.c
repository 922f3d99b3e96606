/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/near_readers.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "capture/near_reader.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* How long one may take to read. That is for the memory of some MiB: who takes longer waits for
 * somebody, as for a file system of the target's. */
#define HANG_NS RTS_NS_PER_S

static int send_setup(const struct rts_near *near, int socket, int memory)
{
    const struct rts_perf_rings *rings = near->rings;
    struct rts_near_setup setup = {
        .layout = near->layout,
        .ring_bytes = rings->near_bytes,
        .clock_offset_ns = near->clock_offset_ns,
        .cpu_count = rings->cpu_count,
    };
    int fds[RTS_MESSAGE_FDS_MAX] = {memory};
    size_t first = 1;
    for (unsigned cpu = 0, left = rings->cpus; left > 0; first = 0) {
        for (setup.ring_count = 0; left > 0 && setup.ring_count < RTS_NEAR_RINGS_MAX; cpu++) {
            if (rings->owners[rings->cpu_count + cpu] < 0)
                continue;
            fds[first + setup.ring_count] = rings->owners[rings->cpu_count + cpu];
            setup.cpus[setup.ring_count++] = cpu;
            left--;
        }
        setup.more = left > 0;
        const struct rts_message message = {
            .head = &setup,
            .head_size = sizeof setup,
            .fds = fds,
            .fd_count = first + setup.ring_count,
        };
        if (rts_message_send(socket, &message) < 0)
            return -1;
    }
    return 0;
}

int rts_near_readers_start(struct rts_near *near, struct rts_error *error)
{
    RTS_CLOSE int fd = -1;
    int32_t pid;
    if (!near->broker)
        return rts_fail(error, RTS_FAILED, "there is nobody to read it");
    struct rts_near_memory *memory = rts_near_memory_create(near->rings->cpu_count, &fd);
    if (!memory)
        return rts_fail_errno(error, errno, "cannot share memory with the process that reads it");
    RTS_CLOSE int socket = rts_broker_near(near->broker, &pid);
    if (socket < 0 || send_setup(near, socket, fd) < 0) {
        rts_fail_errno(error, errno, "cannot start the process that reads it");
        rts_near_memory_close(memory);
        return -1;
    }
    near->memory = memory;
    near->socket = rts_take_fd(&socket);
    near->started_ns = near->looked_ns = rts_clock_monotonic_ns();
    return 0;
}

uint64_t rts_near_readers_cpu_ns(const struct rts_near *near, uint64_t now)
{
    if (!near->memory)
        return 0;
    uint64_t most = (now - near->started_ns) * near->rings->cpus;
    uint64_t said = rts_near_memory_cpu(near->memory);
    return said < most ? said : most;
}

void rts_near_readers_stop(struct rts_near *near)
{
    if (!near->memory)
        return;
    near->past_cpu_ns += rts_near_readers_cpu_ns(near, rts_clock_monotonic_ns());
    close(near->socket);
    rts_near_memory_close(near->memory);
    near->memory = NULL;
}

int32_t rts_near_readers_hang(const struct rts_near *near, uint64_t now)
{
    for (unsigned cpu = 0; cpu < near->rings->cpu_count; cpu++) {
        const struct rts_near_lane_state state = rts_near_lane_state(near->memory, cpu);
        if (state.reading_pid > 0 && state.reading_since_ns < now &&
            now - state.reading_since_ns > HANG_NS)
            return state.reading_pid;
    }
    return 0;
}

bool rts_near_readers_ended(const struct rts_near *near)
{
    struct pollfd other = {.fd = near->socket, .events = POLLIN};
    return poll(&other, 1, 0) > 0;
}

void rts_near_readers_count(struct rts_near *near)
{
    near->counts.cpus_refused = 0;
    for (unsigned cpu = 0; cpu < near->rings->cpu_count; cpu++) {
        const struct rts_near_lane_state state = rts_near_lane_state(near->memory, cpu);
        near->counts.cpus_refused += state.schedule == RTS_NEAR_REFUSED;
        near->counts.rings_refused |= state.error == EUSERS;
    }
}
