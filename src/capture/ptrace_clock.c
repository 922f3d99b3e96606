/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

/* struct sched_attr of linux/sched/types.h, which glibc's sched.h does not go together with. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

/* The shortest turn that can be asked for: who asks for short ones is let run sooner. */
#define TURN_NS 100000

void rts_ptrace_hurry(bool heirs)
{
    const struct sched_param lowest = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO | (heirs ? 0 : SCHED_RESET_ON_FORK), &lowest) == 0)
        return;
    struct scheduling attr = {
        .size = sizeof attr,
        .policy = SCHED_OTHER,
        .nice = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)),
        .runtime_ns = TURN_NS,
    };
    syscall(SYS_sched_setattr, 0, &attr, 0u);
}

/* Run time, time waited for a CPU (ns) and turns on one. Zeros when it cannot be read. */
static void read_schedstat(int fd, uint64_t numbers[3])
{
    char text[96];
    ssize_t size = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    char *at = text;
    for (int i = 0; i < 3; i++)
        numbers[i] = strtoull(at, &at, 10);
}

void rts_ptrace_clock_init(struct rts_ptrace_clock *clock)
{
    *clock = (struct rts_ptrace_clock){
        .schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC),
    };
}

void rts_ptrace_clock_finish(struct rts_ptrace_clock *clock)
{
    if (clock->schedstat >= 0)
        close(clock->schedstat);
    clock->schedstat = -1;
}

void rts_ptrace_clock_begin(struct rts_ptrace_clock *clock)
{
    uint64_t numbers[3];
    read_schedstat(clock->schedstat, numbers);
    clock->delay_ns = numbers[1];
    clock->turns = numbers[2];
    clock->begun_ns = rts_clock_monotonic_ns();
}

uint64_t rts_ptrace_clock_stopped_ns(struct rts_ptrace_clock *clock)
{
    uint64_t numbers[3];
    uint64_t since = rts_clock_monotonic_ns() - clock->begun_ns;
    read_schedstat(clock->schedstat, numbers);
    uint64_t delay = numbers[1] - clock->delay_ns;
    return numbers[2] == clock->turns || delay > since ? since : delay;
}

/* "se.exec_start      :    3058861.979912": milliseconds with six decimals. */
static uint64_t read_exec_start(const char *path)
{
    static const char word[] = "se.exec_start";
    char text[1024];
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    const char *found = strstr(text, word);
    uint64_t milliseconds, nanoseconds;
    if (!found ||
        sscanf(found + strlen(word), " : %" SCNu64 ".%6" SCNu64, &milliseconds, &nanoseconds) != 2)
        return 0;
    return milliseconds * 1000000 + nanoseconds;
}

uint64_t rts_ptrace_exec_start(int32_t pid, int32_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/sched", (int)pid, (int)tid);
    return read_exec_start(path);
}

uint64_t rts_ptrace_own_exec_start(void)
{
    return read_exec_start("/proc/thread-self/sched");
}

void rts_ptrace_seat_init(struct rts_ptrace_seat *seat)
{
    *seat = (struct rts_ptrace_seat){.cpu = -1, .guest_cpu = -1};
    CPU_ZERO(&seat->met);
    /* With more CPUs than the set has room for: anywhere. */
    if (sched_getaffinity(0, sizeof seat->allowed, &seat->allowed) < 0)
        CPU_ZERO(&seat->allowed);
}

void rts_ptrace_seat_meet(struct rts_ptrace_seat *seat, uint32_t cpu)
{
    if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &seat->allowed))
        CPU_SET(cpu, &seat->met);
}

unsigned rts_ptrace_seat_take(struct rts_ptrace_seat *seat)
{
    int count = CPU_COUNT(&seat->met), next = -1;
    for (int cpu = seat->cpu + 1; cpu < CPU_SETSIZE && next < 0; cpu++)
        if (CPU_ISSET((size_t)cpu, &seat->met))
            next = cpu;
    for (int cpu = 0; cpu <= seat->cpu && next < 0; cpu++)
        if (CPU_ISSET((size_t)cpu, &seat->met))
            next = cpu;
    if (next >= 0 && next != seat->cpu) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET((size_t)next, &one);
        if (sched_setaffinity(0, sizeof one, &one) == 0)
            seat->cpu = next;
    }
    CPU_ZERO(&seat->met);
    return count > 1 ? (unsigned)count : 1;
}

void rts_ptrace_seat_share(struct rts_ptrace_seat *seat, int32_t pid)
{
    cpu_set_t one;
    if (pid <= 0 || seat->cpu < 0 || (pid == seat->guest && seat->cpu == seat->guest_cpu))
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)seat->cpu, &one);
    /* Refused until it has given up what it has beyond us: then the next time. */
    if (sched_setaffinity((pid_t)pid, sizeof one, &one) < 0)
        return;
    seat->guest = pid;
    seat->guest_cpu = seat->cpu;
}
