/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel as the source: this program samples itself and compares what is decoded with what it
 * knows of itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../suite.h"
#include "capture/capture.h"
#include "unwind/architecture.h"
#include "util/clock.h"

#define SAMPLES_MAX 4096

/* A word that is on the stack of burn() and hardly anywhere else. */
static uint64_t marker;

struct kept {
    struct rts_record record;
    uint64_t pc, sp;
    bool has_marker;
    bool chain_has_burn;
};

struct seen {
    const struct rts_architecture *arch;
    struct kept *samples;
    size_t count;
    unsigned malformed, forks, exits, comms, maps;
    bool own_name, own_map, own_fork;
    int32_t child;
    const void *mapped;
};

static _Thread_local volatile uint64_t sink_hole;

/* Uses the CPU for a while with the marker on its stack. */
static __attribute__((noinline)) void burn(int milliseconds)
{
    volatile uint64_t on_stack[4] = {marker, ~marker, marker, ~marker};
    uint64_t end = rts_clock_monotonic_ns() + (uint64_t)milliseconds * 1000000;
    do {
        for (int i = 0; i < 200000; i++)
            sink_hole += on_stack[i & 3] * (uint64_t)i;
    } while (rts_clock_monotonic_ns() < end);
}

static __attribute__((noinline)) void after_burn(void)
{
    sink_hole++;
}

static bool in_burn(uint64_t pc)
{
    uint64_t start = (uint64_t)(uintptr_t)burn, end = (uint64_t)(uintptr_t)after_burn;
    return pc >= start && pc < (end > start ? end : start + 512);
}

static bool holds_marker(const struct rts_sample *sample)
{
    for (size_t at = 0; at + 32 <= sample->stack_size; at += 8) {
        uint64_t words[4];
        memcpy(words, sample->stack + at, sizeof words);
        if (words[0] == marker && words[1] == ~marker && words[2] == marker && words[3] == ~marker)
            return true;
    }
    return false;
}

static void on_sample(void *context, const struct rts_record *record)
{
    struct seen *seen = context;
    if (record->pid != getpid() || seen->count == SAMPLES_MAX)
        return;
    struct kept *kept = &seen->samples[seen->count++];
    *kept = (struct kept){.record = *record};
    struct rts_registers registers;
    if (record->sample.registers) {
        rts_registers_from_perf(seen->arch, record->sample.register_set, record->sample.registers,
                                record->sample.kernel_mode, &registers);
        kept->pc = registers.value[seen->arch->program_counter];
        kept->sp = registers.value[seen->arch->stack_pointer];
    }
    kept->has_marker = record->sample.stack && holds_marker(&record->sample);
    for (size_t i = 0; i < record->sample.callchain_size; i++)
        kept->chain_has_burn = kept->chain_has_burn || in_burn(record->sample.callchain[i]);
}

static void on_side_band(void *context, const struct rts_record *record)
{
    struct seen *seen = context;
    switch (record->kind) {
    case RTS_RECORD_COMM:
        seen->comms++;
        if (record->pid == getpid() && strcmp(record->comm.name, "renamed (twice)") == 0)
            seen->own_name = !record->comm.exec;
        break;
    case RTS_RECORD_FORK:
        seen->forks++;
        if (record->pid == seen->child && record->task.parent_pid == getpid())
            seen->own_fork = true;
        break;
    case RTS_RECORD_EXIT: seen->exits++; break;
    case RTS_RECORD_MMAP:
        seen->maps++;
        if (record->mmap.start == (uint64_t)(uintptr_t)seen->mapped)
            seen->own_map = record->mmap.executable && record->mmap.offset == 0 &&
                            record->mmap.size == 4096 && record->mmap.path[0] == '/' &&
                            (record->mmap.has_identity || record->mmap.build_id.size > 0);
        break;
    default: break;
    }
}

static void on_malformed(void *context, enum rts_record_kind kind)
{
    (void)kind;
    ((struct seen *)context)->malformed++;
}

/* Starts a capture of this process, or skips the test. */
static struct rts_capture *start(enum rts_call_graph call_graph, uint32_t stack_bytes)
{
    struct rts_error error = {0};
    struct rts_capture_options options = {
        .frequency = 997,
        .call_graph = call_graph,
        .stack_bytes = stack_bytes,
        .user_registers = rts_architecture_native()->perf_registers,
    };
    marker = (uint64_t)0x6d61726b6572 << 16 ^ (uint32_t)getpid();
    struct rts_capture *capture = rts_capture_create_perf(&options, &error);
    if (capture && rts_capture_add_process(capture, getpid(), &error) < 0) {
        rts_capture_destroy(capture);
        capture = NULL;
    }
    if (!capture) {
        assert_int_equal(error.failure, RTS_NOT_PERMITTED);
        print_message("%s\n", error.text);
        skip();
    }
    return capture;
}

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){
        .arch = rts_architecture_native(),
        .samples = calloc(SAMPLES_MAX, sizeof *seen->samples),
    };
    assert_non_null(seen->samples);
}

static void drain(struct rts_capture *capture, struct seen *seen)
{
    struct rts_capture_sink sink = {seen, on_side_band, on_sample, on_malformed};
    rts_capture_drain(capture, &sink);
}

/* Burns until a sample of burn() was seen; drains as often as the capture asks for. */
static void collect(struct rts_capture *capture, struct seen *seen, uint64_t *from, uint64_t *until)
{
    *from = rts_clock_monotonic_ns();
    size_t hits = 0;
    for (int round = 0; round < 200 && hits < 3; round++) {
        burn(rts_capture_interval_ms(capture));
        drain(capture, seen);
        hits = 0;
        for (size_t i = 0; i < seen->count; i++)
            hits += in_burn(seen->samples[i].pc) || in_burn(seen->samples[i].record.sample.ip);
    }
    rts_capture_stop(capture);
    *until = rts_clock_monotonic_ns();
    drain(capture, seen);
    assert_true(hits >= 3);
    assert_int_equal(seen->malformed, 0);
}

static void check_times(const struct rts_capture *capture, const struct seen *seen, uint64_t from,
                        uint64_t until)
{
    bool monotonic = !(rts_capture_facts(capture)->gave_up & RTS_FEATURE_CLOCK_ID);
    for (size_t i = 0; i < seen->count; i++) {
        const struct rts_record *record = &seen->samples[i].record;
        assert_int_equal(record->tid, getpid());
        assert_int_not_equal(record->id, 0);
        assert_in_range(record->cpu, 0, sysconf(_SC_NPROCESSORS_CONF) - 1);
        if (monotonic)
            assert_true(record->time <= until && record->time + 1000000000 >= from);
    }
}

static void test_dwarf(void **state)
{
    (void)state;
    struct seen seen;
    uint64_t from, until;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_DWARF, 8192);
    seen_init(&seen);
    uint64_t here = (uint64_t)(uintptr_t)&from;
    collect(capture, &seen, &from, &until);
    check_times(capture, &seen, from, until);
    for (size_t i = 0; i < seen.count; i++) {
        const struct kept *kept = &seen.samples[i];
        const struct rts_sample *sample = &kept->record.sample;
        if (!in_burn(kept->pc))
            continue;
        assert_int_equal(sample->register_abi, PERF_SAMPLE_REGS_ABI_64);
        if (!sample->kernel_mode)
            assert_int_equal(sample->ip, kept->pc);
        assert_true(kept->sp < here && here - kept->sp < 65536);
        assert_int_equal(sample->stack_asked, 8192);
        assert_in_range(sample->stack_size, 64, 8192);
        assert_true(kept->has_marker);
        assert_null(sample->callchain);
    }
    free(seen.samples);
    rts_capture_destroy(capture);
}

static void test_frame_pointers(void **state)
{
    (void)state;
    struct seen seen;
    uint64_t from, until;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_FP, 0);
    seen_init(&seen);
    collect(capture, &seen, &from, &until);
    check_times(capture, &seen, from, until);
    assert_int_equal(rts_capture_facts(capture)->stack_bytes, 0);
    for (size_t i = 0; i < seen.count; i++) {
        const struct kept *kept = &seen.samples[i];
        if (!in_burn(kept->pc))
            continue;
        assert_true(kept->chain_has_burn);
        assert_null(kept->record.sample.stack);
    }
    free(seen.samples);
    rts_capture_destroy(capture);
}

static void test_leaves_only(void **state)
{
    (void)state;
    struct seen seen;
    uint64_t from, until;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_NONE, 0);
    seen_init(&seen);
    collect(capture, &seen, &from, &until);
    check_times(capture, &seen, from, until);
    for (size_t i = 0; i < seen.count; i++) {
        assert_null(seen.samples[i].record.sample.stack);
        assert_null(seen.samples[i].record.sample.callchain);
    }
    free(seen.samples);
    rts_capture_destroy(capture);
}

static void test_side_band(void **state)
{
    (void)state;
    struct seen seen;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_NONE, 0);
    seen_init(&seen);
    prctl(PR_SET_NAME, "renamed (twice)");
    char name[] = "/tmp/rtsample-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    bool may_map = mapped != MAP_FAILED; /* not where /tmp is mounted noexec */
    seen.mapped = mapped;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    seen.child = child;
    waitpid(child, NULL, 0);
    rts_capture_stop(capture);
    drain(capture, &seen);
    assert_int_equal(seen.malformed, 0);
    assert_true(seen.own_name);
    assert_true(seen.own_fork);
    assert_true(seen.exits > 0);
    if (may_map) {
        assert_true(seen.own_map);
        munmap(mapped, 4096);
    }
    close(fd);
    unlink(name);
    free(seen.samples);
    rts_capture_destroy(capture);
}

static void *thread_main(void *argument)
{
    pthread_barrier_wait(argument);
    burn(60);
    return NULL;
}

/* Every thread is seen, those that run at the attach and those that start after it. */
static void test_threads(void **state)
{
    (void)state;
    enum {
        THREADS = 6
    };
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS / 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &barrier), 0);
    struct seen seen;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_NONE, 0);
    seen_init(&seen);
    for (int i = THREADS / 2; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, &barrier), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rts_capture_stop(capture);
    drain(capture, &seen);
    assert_int_equal(seen.malformed, 0);

    int32_t tids[SAMPLES_MAX];
    size_t distinct = 0;
    for (size_t i = 0; i < seen.count; i++) {
        size_t at = 0;
        while (at < distinct && tids[at] != seen.samples[i].record.tid)
            at++;
        if (at == distinct)
            tids[distinct++] = seen.samples[i].record.tid;
    }
    assert_true(distinct >= THREADS);
    assert_true(seen.forks >= THREADS / 2);
    pthread_barrier_destroy(&barrier);
    free(seen.samples);
    rts_capture_destroy(capture);
}

static void test_no_such_process(void **state)
{
    (void)state;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_NONE, 0);
    struct rts_error error = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_int_equal(rts_capture_add_process(capture, child, &error), -1);
    assert_int_equal(error.failure, RTS_NOT_FOUND);
    rts_capture_destroy(capture);
}

static void test_facts(void **state)
{
    (void)state;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_DWARF, 0);
    const struct rts_capture_facts *facts = rts_capture_facts(capture);
    struct pollfd fds[1024];
    assert_true(facts->stack_bytes >= 8192 && facts->stack_bytes % 8 == 0);
    assert_in_range(facts->frequency, 1, 997);
    assert_in_range(rts_capture_interval_ms(capture), 5, 100);
    size_t expected = facts->cpus < 1024 ? facts->cpus : 1024;
    assert_int_equal(rts_capture_poll_fds(capture, fds, 1024), expected);
    assert_int_equal(rts_capture_poll_fds(capture, fds, 0), 0);
    rts_capture_destroy(capture);
    rts_capture_destroy(NULL);
}

struct tally {
    int32_t pid;
    unsigned samples;
};

static void tally_sample(void *context, const struct rts_record *record)
{
    struct tally *tally = context;
    tally->samples += record->pid == tally->pid;
}

static void ignore_record(void *context, const struct rts_record *record)
{
    (void)context;
    (void)record;
}

static void ignore_malformed(void *context, enum rts_record_kind kind)
{
    (void)context, (void)kind;
}

static unsigned samples_of(struct rts_capture *capture, int32_t pid)
{
    struct tally tally = {.pid = pid};
    struct rts_capture_sink sink = {&tally, ignore_record, tally_sample, ignore_malformed};
    rts_capture_drain(capture, &sink);
    return tally.samples;
}

static uint64_t own_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Samples of this process per second of its CPU time, from 300 ms of it. */
static unsigned own_rate(struct rts_capture *capture)
{
    samples_of(capture, 0);
    uint64_t begin = own_cpu_ns(), used;
    unsigned samples = 0;
    do {
        burn(20);
        samples += samples_of(capture, getpid());
        used = own_cpu_ns() - begin;
    } while (used < 300000000);
    return (unsigned)(samples * 1000000000ULL / used);
}

/* The same of a child that is born now; it has ended when this returns. */
static unsigned child_rate(struct rts_capture *capture)
{
    pid_t child = fork();
    if (child == 0) {
        while (own_cpu_ns() < 300000000)
            burn(5);
        _exit(0);
    }
    unsigned samples = 0;
    while (waitpid(child, NULL, WNOHANG) == 0) {
        usleep(20000);
        samples += samples_of(capture, child);
    }
    return (samples + samples_of(capture, child)) * 10 / 3;
}

/* Of CPU time: so it does not matter how busy the machine is. */
static void test_frequency_changes(void **state)
{
    (void)state;
    struct rts_capture *capture = start(RTS_CALL_GRAPH_NONE, 0);
    uint32_t most = rts_capture_facts(capture)->frequency;
    if (most < 500) {
        rts_capture_destroy(capture);
        print_message("perf_event_max_sample_rate is %u\n", most);
        skip();
    }
    assert_in_range(own_rate(capture), most / 2, most * 3 / 2);
    assert_int_equal(rts_capture_set_frequency(capture, 100, NULL), 0);
    assert_int_equal(rts_capture_facts(capture)->frequency, 100);
    assert_in_range(own_rate(capture), 50, 200);
    assert_in_range(child_rate(capture), 50, 200);
    /* Not beyond what it began with, and not down to none. */
    assert_int_equal(rts_capture_set_frequency(capture, UINT32_MAX, NULL), 0);
    assert_int_equal(rts_capture_facts(capture)->frequency, most);
    assert_in_range(own_rate(capture), most / 2, most * 3 / 2);
    assert_int_equal(rts_capture_set_frequency(capture, 0, NULL), 0);
    assert_int_equal(rts_capture_facts(capture)->frequency, 1);
    rts_capture_destroy(capture);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dwarf),       cmocka_unit_test(test_frame_pointers),
        cmocka_unit_test(test_leaves_only), cmocka_unit_test(test_side_band),
        cmocka_unit_test(test_threads),     cmocka_unit_test(test_no_such_process),
        cmocka_unit_test(test_facts),       cmocka_unit_test(test_frequency_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
