/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe_sampling.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "process/maps.h"
#include "util/clock.h"

/* As a run has it when it is not told otherwise. */
#define FREQUENCY   99
#define MAX_STOP_US 1000

/* One is proof; each takes a period of CPU time. */
#define SAMPLES_WANTED 1

/* A hundred periods without a sample are not chance; on a machine in distress they take a while. */
#define CHILD_CPU_NS (100 * RTS_NS_PER_S / FREQUENCY)
#define PATIENCE_NS  (10 * RTS_NS_PER_S)

#define POLL_MS 2

void rts_probe_sampling_failed(struct rts_sampling *sampling, const struct rts_error *error)
{
    sampling->number = error->number                         ? error->number
                       : error->failure == RTS_NOT_PERMITTED ? EACCES
                       : error->failure == RTS_NOT_FOUND     ? ESRCH
                                                             : EIO;
    sampling->cause = error->cause ? error->cause : "other";
    snprintf(sampling->text, sizeof sampling->text, "%s", error->text);
}

struct rts_capture *rts_probe_capture_open(struct rts_sampling *sampling,
                                           const struct rts_probe_options *options,
                                           enum rts_probe_method method, bool enabled)
{
    struct rts_error error = {0};
    const struct rts_capture_options wanted = {
        .frequency = FREQUENCY,
        .call_graph = RTS_CALL_GRAPH_DWARF,
        .user_registers = options->user_registers,
        .enable_on_exec = !enabled,
        .max_stop_us = MAX_STOP_US,
        .read_maps = rts_maps_read,
        .proc = {.root = "/proc"},
    };
    struct rts_capture *capture = method == RTS_PROBE_PTRACE
                                      ? rts_capture_create_ptrace(&wanted)
                                      : rts_capture_create_perf(&wanted, &error);
    *sampling = (struct rts_sampling){0};
    if (!capture)
        rts_probe_sampling_failed(sampling, &error);
    return capture;
}

static void count_sample(void *context, const struct rts_record *record)
{
    struct rts_sampling *sampling = context;
    if (record->sample.registers && record->sample.stack_size > 0)
        sampling->samples++;
}

static void pass_over(void *context, const struct rts_record *record)
{
    (void)context, (void)record;
}

static void pass_over_malformed(void *context, enum rts_record_kind kind)
{
    (void)context, (void)kind;
}

void rts_probe_sampling_settle(struct rts_sampling *sampling, const struct rts_capture *capture)
{
    const struct rts_capture_facts *facts = rts_capture_facts(capture);
    sampling->lost_kernel = facts->gave_up & RTS_FEATURE_KERNEL_SIDE;
    sampling->lost_clock = facts->gave_up & RTS_FEATURE_CLOCK_ID;
    sampling->frequency = facts->frequency;
    sampling->stack_bytes = facts->stack_bytes;
    sampling->ring_bytes = facts->ring_bytes;
    sampling->cpus = facts->cpus;
}

/* CPU time that the process has used. */
static uint64_t cpu_ns(int32_t pid)
{
    clockid_t clock;
    struct timespec time;
    return clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0
               ? (uint64_t)rts_timespec_ns(time)
               : 0;
}

void rts_probe_capture_sample(struct rts_sampling *sampling, struct rts_capture *capture,
                              int32_t pid)
{
    struct rts_error error = {0};
    const struct rts_capture_sink sink = {
        .context = sampling,
        .side_band = pass_over,
        .sample = count_sample,
        .malformed = pass_over_malformed,
    };
    if (rts_capture_add_process(capture, pid, &error) < 0) {
        rts_probe_sampling_failed(sampling, &error);
        rts_probe_sampling_settle(sampling, capture);
        return;
    }
    uint64_t end = rts_clock_monotonic_ns() + PATIENCE_NS, cpu_end = cpu_ns(pid) + CHILD_CPU_NS;
    while (sampling->samples < SAMPLES_WANTED && rts_clock_monotonic_ns() < end &&
           cpu_ns(pid) < cpu_end) {
        poll(NULL, 0, POLL_MS);
        rts_capture_drain(capture, &sink);
    }
    rts_capture_stop(capture);
    rts_probe_sampling_settle(sampling, capture);
    const struct rts_error none = {
        .number = ENODATA,
        .cause = "no_samples",
        .text = "it was permitted, and no sample of a computing process came",
    };
    if (sampling->samples == 0)
        rts_probe_sampling_failed(sampling, &none);
}
