/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is memory that is read near a sample what it was at the sample? A child counts in a register and
 * writes each number to memory. Samples have the register; what is read near them has the memory.
 * Where both are of one moment, they are equal, or the number was about to be written.
 *
 *     near_equal [SAMPLES [SECONDS [own-cpu|same-registers]]]
 *
 * Samples the child with perf events until so many samples were had, or so long, and prints JSON:
 * how many there were, of how many it is proven that the child stood still, and how many of those are
 * equal; how fast the child counted without and with it. With `own-cpu` the child stays on one CPU.
 * With `same-registers` it changes none of those that samples have, and what was read is compared with
 * the sample's copy of the stack: registers that are the same do not prove that nothing has run.
 */
#include <asm/perf_regs.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/near.h"
#include "capture/near_reader.h"
#include "sealing/seal.h"
#include "unwind/architecture.h"
#include "util/clock.h"

#if defined __x86_64__
#define COUNTER PERF_REG_X86_BX
#elif defined __aarch64__
#define COUNTER 19
#endif

/* Where the child counts with the same registers, from its stack pointer on. */
#define IN_STACK 64

struct seen {
    const uint64_t *counter; /* NULL: in its stack */
    int32_t pid;
    uint64_t samples, frozen, equal;
};

static _Noreturn void count(uint64_t *counter)
{
#if defined __x86_64__
    __asm__ volatile("xor %%ebx, %%ebx\n"
                     "1: inc %%rbx\n"
                     "mov %%rbx, (%0)\n"
                     "jmp 1b\n"
                     :
                     : "r"(counter)
                     : "rbx", "memory");
#elif defined __aarch64__
    __asm__ volatile("mov x19, #0\n"
                     "1: add x19, x19, #1\n"
                     "str x19, [%0]\n"
                     "b 1b\n"
                     :
                     : "r"(counter)
                     : "x19", "memory");
#endif
    __builtin_unreachable();
}

static _Noreturn void count_in_stack(void)
{
#if defined __x86_64__
    __asm__ volatile("sub $256, %%rsp\n"
                     "pcmpeqd %%xmm1, %%xmm1\n"
                     "pxor %%xmm0, %%xmm0\n"
                     "1: psubq %%xmm1, %%xmm0\n"
                     "movq %%xmm0, 64(%%rsp)\n"
                     "jmp 1b\n"
                     :
                     :
                     : "xmm0", "xmm1", "memory");
#elif defined __aarch64__
    __asm__ volatile("sub sp, sp, #256\n"
                     "movi d0, #0\n"
                     "fmov d1, #1.0\n"
                     "1: fadd d0, d0, d1\n"
                     "str d0, [sp, #64]\n"
                     "b 1b\n"
                     :
                     :
                     : "d0", "d1", "memory");
#endif
    __builtin_unreachable();
}

static void ignore_side_band(void *context, const struct rts_record *record)
{
    (void)context;
    (void)record;
}

static void ignore_malformed(void *context, enum rts_record_kind kind)
{
    (void)context;
    (void)kind;
}

/* Where a register is among those of a sample. */
static int place(const struct rts_sample *sample, unsigned number)
{
    return __builtin_popcountll(sample->register_set & ((1ULL << number) - 1));
}

static void take(void *context, const struct rts_record *record)
{
    struct seen *seen = context;
    const struct rts_sample *sample = &record->sample;
    uint64_t word = 0, number = 0;
    if (record->pid != seen->pid || !sample->registers)
        return;
    seen->samples++;
    if (!sample->near || sample->near->count == 0)
        return;
    bool is_there = rts_near_word(sample->near, sample->near->pieces[0].address, &word);
    if (seen->counter) {
        number = sample->registers[place(sample, COUNTER)];
        seen->equal += is_there && (number == word || number == word + 1);
    } else {
        bool is_copied = sample->stack_size >= IN_STACK + sizeof number;
        if (is_copied)
            memcpy(&number, sample->stack + IN_STACK, sizeof number);
        seen->equal += is_there && is_copied && number == word;
    }
    seen->frozen++;
}

static void seal(bool worker)
{
    (void)worker;
}

static void stay_on_one_cpu(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu() >= 0 ? (size_t)sched_getcpu() : 0, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* Numbers in a millisecond of CPU time that the child uses meanwhile. */
static double speed(pid_t child, const volatile uint64_t *counter, uint64_t ns)
{
    static const volatile uint64_t nobody;
    clockid_t clock;
    struct timespec begin, end;
    if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &begin) < 0)
        return 0;
    if (!counter)
        counter = &nobody;
    uint64_t first = *counter;
    poll(NULL, 0, (int)(ns / 1000000));
    uint64_t last = *counter;
    clock_gettime(clock, &end);
    double used_ms =
        (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    return used_ms > 0 ? (double)(last - first) / used_ms : 0;
}

static int fail(const char *what, const struct rts_error *error)
{
    fprintf(stderr, "near_equal: %s: %s\n", what, error->text);
    return 77;
}

static int run(struct rts_broker *broker, struct seen *seen, uint64_t samples, uint64_t until_ns,
               struct rts_error *error)
{
    const struct rts_capture_options options = {
        .frequency = 999,
        .call_graph = RTS_CALL_GRAPH_DWARF,
        .stack_bytes = 4096,
        .user_registers = rts_architecture_native()->perf_registers,
        .proc = {.broker = broker, .root = "/proc"},
    };
    const struct rts_near_plan plan = {
        {seen->counter
             ? (struct rts_near_range){RTS_NEAR_ADDRESS, 8, (int64_t)(uintptr_t)seen->counter}
             : (struct rts_near_range){RTS_NEAR_STACK_POINTER, 8, IN_STACK}}};
    const struct rts_capture_sink sink = {seen, ignore_side_band, take, ignore_malformed};
    struct rts_capture *capture = rts_capture_create_perf(&options, error);
    if (!capture || rts_capture_add_process(capture, seen->pid, error) < 0 ||
        rts_capture_near(capture, seen->pid, &plan, error) < 0) {
        rts_capture_destroy(capture);
        return -1;
    }
    double with = 0;
    while (seen->samples < samples && rts_clock_monotonic_ns() < until_ns) {
        double now = speed(seen->pid, seen->counter, 20000000);
        with += (now - with) / 10;
        rts_capture_drain(capture, &sink);
    }
    rts_capture_stop(capture);
    rts_capture_drain(capture, &sink);
    const struct rts_near_counts *counts = &rts_capture_facts(capture)->near;
    int result = 0;
    if (counts->rings_refused)
        result = rts_fail(error, RTS_FAILED, "%s", rts_near_end_reason(counts));
    else
        printf("{\"samples\":%" PRIu64 ",\"frozen\":%" PRIu64 ",\"equal\":%" PRIu64
               ",\"late\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"reader_cpu_ms\":%" PRIu64
               ",\"speed_with\":%.0f",
               seen->samples, seen->frozen, seen->equal, counts->late, counts->refused,
               counts->cpu_ns / 1000000, with);
    rts_capture_destroy(capture);
    return result;
}

int main(int count_arguments, char **arguments)
{
    uint64_t samples = count_arguments > 1 ? strtoull(arguments[1], NULL, 10) : 1000;
    uint64_t seconds = count_arguments > 2 ? strtoull(arguments[2], NULL, 10) : 10;
    const char *way = count_arguments > 3 ? arguments[3] : "";
    bool own_cpu = strcmp(way, "own-cpu") == 0, same = strcmp(way, "same-registers") == 0;
    const struct rts_broker_setup setup = {
        .proc_root = "/proc", .seal = seal, .near = rts_near_reader_run};
    struct rts_error error = {.text = ""};
    struct rts_broker *broker = rts_broker_start(&setup, &error);
    if (!broker)
        return fail("no broker", &error);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct seen seen = {.counter = same ? NULL : shared};
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (own_cpu)
            stay_on_one_cpu();
        if (same)
            count_in_stack();
        count(shared);
    }
    seen.pid = (int32_t)child;
    double without = speed(child, seen.counter, 500000000);
    int result =
        run(broker, &seen, samples, rts_clock_monotonic_ns() + seconds * RTS_NS_PER_S, &error);
    if (result == 0)
        printf(",\"speed_without\":%.0f}\n", without);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    rts_broker_destroy(broker);
    return result == 0 ? 0 : fail("memory cannot be read near samples", &error);
}
