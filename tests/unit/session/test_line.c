/* SPDX-License-Identifier: Apache-2.0 */
/* The line by hand: samples of this program go in, and come out as facts, as a trace and as the
 * replay of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "capture/backend.h"
#include "session/line.h"
#include "session/session.h"
#include "util/clock.h"
#include "util/memory.h"

#define FOLDER_SIZE      64
#define PATH_MAX_OF_TEST 128

struct run {
    char folder[FOLDER_SIZE], facts[PATH_MAX_OF_TEST], trace[PATH_MAX_OF_TEST];
    struct rts_settings settings;
    struct rts_capture capture;
    struct rts_receipt receipt;
    struct rts_self self;
    struct rts_line line;
    struct rts_process *process;
    struct rts_stack *stack;
};

static int64_t wall_offset(void *context)
{
    (void)context;
    return 0;
}

static uint64_t sampled_ms(void *context)
{
    (void)context;
    return 0;
}

static void make_line(struct run *run, enum rts_line_ends ends)
{
    const struct rts_line_setup setup = {
        .settings = &run->settings,
        .sampler = {.arch = rts_architecture_native(),
                    .proc_root = "/proc",
                    .self = &run->self,
                    .cpu_count = 1},
        .clock = {run, wall_offset, sampled_ms},
        .ends = ends,
    };
    rts_line_init(&run->line, &setup);
    run->line.sampler.capture = &run->capture;
    run->line.recorders.setup = (struct rts_recorders_setup){
        .settings = &run->settings,
        .arch = rts_architecture_native(),
        .capture = &run->capture,
        .receipt = &run->receipt,
        .limits = {.ratio = 1},
        .account = &run->line.account,
        .share = &run->line.bounds.memory.shares[RTS_MEMORY_TRACE],
        .proc = rts_process_table_proc(run->line.sampler.processes),
    };
}

static void begin(struct run *run, enum rts_line_ends ends, uint64_t memory)
{
    struct rts_error error;
    *run = (struct run){
        .folder = "/tmp/rtsample-line-XXXXXX",
        .capture = {.facts = {.method = "by hand", .frequency = 99}},
        .self = {.pid = -1, .memory = -1},
        .stack = rts_calloc(1, sizeof *run->stack),
    };
    assert_non_null(mkdtemp(run->folder));
    snprintf(run->facts, sizeof run->facts, "%s/facts", run->folder);
    snprintf(run->trace, sizeof run->trace, "%s/trace", run->folder);
    rts_settings_init(&run->settings);
    run->settings.output = rts_strdup(run->facts);
    run->settings.record_path = rts_strdup(run->trace);
    run->settings.sampler.max_memory_bytes = memory;
    make_line(run, ends);
    assert_int_equal(rts_line_open_outlets(&run->line, RTS_DELIVER_SAMPLES, true, NULL, &error), 0);
    assert_int_equal(rts_process_attach(run->line.sampler.processes, getpid(), &run->process, NULL),
                     0);
}

static void end(struct run *run)
{
    rts_line_finish(&run->line);
    rts_settings_finish(&run->settings);
    unlink(run->facts);
    unlink(run->trace);
    assert_int_equal(rmdir(run->folder), 0);
    free(run->stack);
}

/* A sample at this address of ours. */
static void sample(struct run *run, uint64_t pc, uint64_t time)
{
    uint64_t chain[] = {(uint64_t)PERF_CONTEXT_USER, pc};
    const struct rts_record record = {
        .kind = RTS_RECORD_SAMPLE,
        .pid = getpid(),
        .tid = getpid(),
        .time = time,
        .sample = {.ip = pc, .callchain = chain, .callchain_size = 2},
    };
    struct rts_code_question question = {&run->line.sampler.code_map, run->process, time};
    const struct rts_code_finder finder = {&question, rts_code_map_find};
    rts_unwind_leaf(&finder, pc, RTS_STOP_NOT_TAKEN, run->stack);
    const struct rts_kept kept = {
        .record = &record, .process = run->process, .time = time, .stack = run->stack};
    rts_line_keep(&run->line, &kept);
}

/* All bytes of a file; to be freed. */
static char *content(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    char *text = calloc(1, (size_t)status.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)status.st_size), status.st_size);
    close(fd);
    return text;
}

static unsigned count(const char *text, const char *word)
{
    unsigned found = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        found++;
    return found;
}

static uint64_t pc_of(void (*function)(void **state))
{
    return (uint64_t)(uintptr_t)function;
}

static void other(void **state)
{
    (void)state;
}

/* Two functions, three samples: two facts, whose hits are the samples. */
static void samples_become_facts(void **state)
{
    (void)state;
    struct run run;
    begin(&run, RTS_LINE_ENDS_EARLY, 0);
    uint64_t now = rts_clock_monotonic_ns();
    sample(&run, pc_of(samples_become_facts), now);
    sample(&run, pc_of(samples_become_facts), now + 1);
    sample(&run, pc_of(other), now + 2);
    assert_int_equal(run.line.account.samples_kept, 3);
    assert_int_equal(run.line.account.stops[RTS_STOP_NOT_TAKEN], 3);
    assert_int_equal(run.line.account.processes, 1);
    assert_int_equal(rts_stack_table_size(run.line.stacks), 2);
    assert_int_equal(run.line.account.hits, 0); /* nothing is named before the window ends */
    rts_line_flush(&run.line);
    assert_int_equal(rts_stack_table_size(run.line.stacks), 0);
    assert_int_equal(run.line.account.hits, 3);
    assert_int_equal(run.line.account.events_emitted, 2);
    char *facts = content(run.facts);
    assert_int_equal(count(facts, "\n"), 2);
    assert_int_equal(count(facts, "\"symbol\":\"samples_become_facts\""), 1);
    assert_int_equal(count(facts, "\"hitCount\":2"), 1);
    free(facts);
    rts_line_flush(&run.line); /* and an empty window writes nothing */
    assert_int_equal(run.line.account.batches, 1);
    end(&run);
}

/* In a child, since a replay gives up for good what a test still needs. */
static int replay(const struct rts_settings *settings, const char *trace)
{
    struct rts_error error;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(rts_session_replay(settings, trace, &error) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* What was recorded gives the same bytes when it is replayed. */
static void the_trace_repeats_the_facts(void **state)
{
    (void)state;
    struct run run;
    struct rts_error error;
    begin(&run, RTS_LINE_ENDS_EARLY, 0);
    uint64_t now = rts_clock_monotonic_ns();
    for (unsigned i = 0; i < 10; i++)
        sample(&run, i % 3 ? pc_of(other) : pc_of(the_trace_repeats_the_facts), now + i);
    rts_line_name_stacks(&run.line);
    rts_recorders_named(&run.line.recorders);
    sample(&run, pc_of(other), now + 10);
    rts_line_flush(&run.line);
    sample(&run, pc_of(other), now + 20);
    rts_line_flush(&run.line);
    assert_int_equal(rts_recorders_end_run(&run.line.recorders, 1000, -1, &error), 0);
    assert_int_equal(run.line.recorders.counts.samples, 12);
    char *facts = content(run.facts);

    struct rts_settings settings;
    char again[PATH_MAX_OF_TEST];
    snprintf(again, sizeof again, "%s/again", run.folder);
    rts_settings_init(&settings);
    settings.output = rts_strdup(again);
    assert_int_equal(replay(&settings, run.trace), 0);
    char *repeated = content(again);
    assert_string_equal(repeated, facts);
    assert_int_equal(count(facts, "\n"), 3);
    free(facts);
    free(repeated);
    unlink(again);
    rts_settings_finish(&settings);
    end(&run);
}

/* Stacks of two functions that call each other ever deeper: each is another one. */
static void fill(struct run *run, unsigned samples)
{
    uint64_t now = rts_clock_monotonic_ns();
    for (unsigned i = 0; i < samples; i++) {
        sample(run, pc_of(other), now + i);
        uint32_t depth = 2 + i % (RTS_STACK_DEPTH_MAX - 2);
        for (uint32_t j = 1; j < depth; j++)
            run->stack->frames[j] = run->stack->frames[0];
        run->stack->count = depth;
        run->stack->frames[depth - 1].vaddr += i / RTS_STACK_DEPTH_MAX + 1;
        rts_stack_table_add(run->line.stacks, run->process->instance, now, run->stack->frames,
                            depth);
    }
    sample(run, pc_of(other), now + samples);
}

/* Where memory is short the stacks are named before their time, unless a trace says when. */
static void memory_ends_what_it_may(void **state)
{
    (void)state;
    struct run run;
    begin(&run, RTS_LINE_ENDS_EARLY, 1 << 20);
    fill(&run, 600);
    assert_true(rts_stack_table_size(run.line.stacks) < 600);
    end(&run);

    begin(&run, RTS_LINE_ENDS_AS_TOLD, 1 << 20);
    fill(&run, 600);
    assert_true(rts_stack_table_size(run.line.stacks) > 600);
    assert_int_equal(run.line.account.hits, 0);
    end(&run);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_become_facts),
        cmocka_unit_test(the_trace_repeats_the_facts),
        cmocka_unit_test(memory_ends_what_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
