/* SPDX-License-Identifier: Apache-2.0 */
#include "target/ladder.h"

#include <stdlib.h>

#include "capture/ptrace_clock.h"
#include "capture/refusal.h"
#include "process/descendants.h"
#include "process/look.h"
#include "process/maps.h"
#include "process/stat.h"
#include "sealing/seal.h"
#include "target/attach.h"
#include "util/cleanup.h"
#include "util/log.h"

/* Less than this of each stack is worth a word. */
#define STACK_BYTES_USUAL 16384

/* May all that will be sampled be looked into? Of groups and of all it is not known who that is. */
static bool may_read_maps(const struct rts_target *target)
{
    const struct rts_settings *settings = target->settings;
    size_t count = 0;
    if (settings->target == RTS_TARGET_COMMAND)
        return true;
    bool named = settings->target == RTS_TARGET_PIDS;
    RTS_FREE int32_t *all = named ? NULL : rts_process_list(rts_target_proc(target), 0, &count);
    for (size_t i = 0; i < (named ? settings->pid_count : count); i++)
        if (!rts_maps_permitted(rts_target_proc(target),
                                named ? (int32_t)settings->pids[i] : all[i]))
            return false;
    return true;
}

static struct rts_capture *create(struct rts_target *target, bool by_ptrace,
                                  struct rts_error *error)
{
    const struct rts_capture_options options = {
        .frequency = target->start_frequency,
        .call_graph = target->settings->call_graph,
        .stack_bytes = target->settings->stack_bytes,
        .user_registers = target->sampler->setup.arch->perf_registers,
        .enable_on_exec = target->settings->target == RTS_TARGET_COMMAND,
        .build_ids = !by_ptrace && !may_read_maps(target),
        .max_stop_us = target->settings->sampler.max_stop_us,
        .read_maps = rts_maps_read,
        .max_cpu_percent = target->settings->sampler.max_cpu_percent,
        .proc = {.broker = by_ptrace ? target->tracers_broker : target->broker, .root = "/proc"},
    };
    return by_ptrace ? rts_capture_create_ptrace(&options)
                     : rts_capture_create_perf(&options, error);
}

static int open_on_target(struct rts_target *target, bool by_ptrace, struct rts_error *error)
{
    target->capture = create(target, by_ptrace, error);
    if (!target->capture)
        return -1;
    target->sampler->capture = target->capture;
    target->sampler->setup.self->capture = target->capture;
    target->sampler->code_map.monotonic =
        !(rts_capture_facts(target->capture)->gave_up & RTS_FEATURE_CLOCK_ID);
    return rts_target_attach(target, error);
}

/* What the failed attempt has left behind. */
static void let_go(struct rts_target *target)
{
    rts_capture_destroy(target->capture);
    target->sampler->setup.self->capture = target->sampler->capture = target->capture = NULL;
    target->sampler->reach = RTS_REACH_TREE;
    free(target->group);
    target->group = NULL;
    target->container_id[0] = '\0';
}

/* Why samples that hit in the kernel were refused, if they were. */
static bool read_kernel_side(struct rts_target *target, struct rts_refusal *refusal)
{
    struct rts_standing standing;
    int number = target->capture ? rts_capture_facts(target->capture)->kernel_side_error : 0;
    if (number == 0)
        return false;
    const struct rts_proc proc = {.broker = target->broker, .root = "/proc"};
    rts_standing_read(&proc, &standing);
    rts_refusal_of_perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, number, refusal);
    return true;
}

/* Writes down which rungs of perf events were refused. `last`: why none was taken; NULL: one was.
 */
static void note_perf(struct rts_target *target, const char *last)
{
    struct rts_receipt *receipt = &target->receipt;
    struct rts_refusal kernel_side;
    const enum rts_reach reach = target->sampler->reach;
    /* Where all were wanted and nothing was opened, CPUs are what was refused. */
    bool cpus = reach == RTS_REACH_GROUP ||
                (target->settings->target == RTS_TARGET_ALL && reach != RTS_REACH_OWN);
    enum rts_rung rung = cpus ? RTS_RUNG_PERF_CPUS : RTS_RUNG_PERF_PROCESS;
    if (read_kernel_side(target, &kernel_side)) {
        if (!receipt->refused[rung] && !cpus)
            receipt->refused[rung] = rts_cause_name(kernel_side.cause);
        rung = cpus ? rung : RTS_RUNG_PERF_USER;
        if (!last)
            rts_log("without samples that hit in the kernel: %s; %s", kernel_side.reason,
                    kernel_side.remedy);
    }
    if (last)
        receipt->refused[rung] = last;
    receipt->taken = reach == RTS_REACH_OWN    ? RTS_RUNG_OWN_PROCESSES
                     : reach == RTS_REACH_CPUS ? RTS_RUNG_PERF_CPUS
                                               : rung;
}

/* The duty of ptrace is to be the last: only what says why it was refused can be got around, and
 * only for processes that were named. */
static bool may_fall(const struct rts_target *target, const struct rts_error *failure)
{
    return target->settings->method == RTS_METHOD_AUTO && failure->cause &&
           target->settings->target != RTS_TARGET_ALL;
}

static int open_perf(struct rts_target *target, struct rts_error *error)
{
    int result = open_on_target(target, false, error);
    if (result == 0 || error->cause)
        note_perf(target, result == 0 ? NULL : error->cause);
    return result;
}

static void seal_tracers_broker(bool worker)
{
    /* A thread stands still while it reads. The worker has this from the keeper, too. */
    if (!worker)
        rts_ptrace_hurry(true);
    rts_seal(worker ? RTS_SEAL_MEMORY_READER : RTS_SEAL_KEEPER, 0, NULL);
}

/* The main thread's is for that thread only. There is no other one yet; where ptrace is not taken,
 * nothing is started. */
static int open_tracers_broker(struct rts_target *target, struct rts_error *error)
{
    const struct rts_broker_setup setup = {
        .proc_root = "/proc",
        .answer = rts_look_answer,
        .seal = seal_tracers_broker,
        .loses = "it is sampled no more",
    };
    target->tracers_broker = rts_broker_start(&setup, error);
    return target->tracers_broker ? 0 : -1;
}

static int open_ptrace(struct rts_target *target, struct rts_error *error)
{
    target->receipt.taken = RTS_RUNG_PTRACE;
    if (open_tracers_broker(target, error) < 0)
        return -1;
    return open_on_target(target, true, error);
}

/* What the kernel calls 7 is another process than /proc/7 then. */
static int check_proc(struct rts_error *error)
{
    return rts_proc_is_ours("/proc")
               ? 0
               : rts_fail(error, RTS_NOT_PERMITTED,
                          "/proc is missing, or shows another pid namespace than ours, so process "
                          "ids do not match; mount it in here (mount -t proc proc /proc), or run "
                          "in the pid namespace that it shows (docker run --pid=host, hostPID of a "
                          "pod)");
}

int rts_target_open(struct rts_target *target, struct rts_error *error)
{
    struct rts_error failure = {.failure = RTS_FAILED};
    if (check_proc(error) < 0)
        return -1;
    target->start_frequency = rts_pace_start_frequency(target->settings);
    int result = target->settings->method == RTS_METHOD_PTRACE ? open_ptrace(target, &failure)
                                                               : open_perf(target, &failure);
    if (result < 0 && may_fall(target, &failure)) {
        rts_log("trying ptrace: %s", failure.text);
        let_go(target);
        result = open_ptrace(target, &failure);
    }
    if (result < 0 && error)
        *error = failure;
    return result;
}

void rts_target_close(struct rts_target *target)
{
    rts_capture_destroy(target->capture);
    target->sampler->setup.self->capture = target->sampler->capture = target->capture = NULL;
    rts_command_finish(&target->command);
    free(target->group);
    target->group = NULL;
}

void rts_target_say_limits(const struct rts_target *target)
{
    const struct rts_capture_facts *facts = rts_capture_facts(target->capture);
    const char *who = rts_target_is_partial(target)                ? "own processes"
                      : target->settings->target == RTS_TARGET_ALL ? "all processes"
                                                                   : "target";
    if (target->receipt.taken == RTS_RUNG_PTRACE) {
        rts_log("sampling %s with ptrace at %u Hz: each thread that runs is stopped for a moment%s",
                who, facts->frequency,
                target->settings->method == RTS_METHOD_PTRACE ? "" : " (--method perf: never)");
        return;
    }
    rts_log("sampling %s with cpu-clock at %u Hz, %s", who, facts->frequency,
            facts->gave_up & RTS_FEATURE_KERNEL_SIDE ? "in user mode only"
                                                     : "in user and kernel mode");
    if (target->settings->call_graph == RTS_CALL_GRAPH_DWARF && !target->settings->stack_bytes &&
        facts->stack_bytes < STACK_BYTES_USUAL)
        rts_log(
            "deep stacks may be cut: only %u bytes of each are copied, since a ring has no more "
            "than %zu KiB at this frequency (kernel.perf_event_mlock_kb, ulimit -l)",
            facts->stack_bytes, facts->ring_bytes >> 10);
    if (facts->clock_is_off)
        rts_log("the offset of this time namespace cannot be found in /proc/self/timens_offsets: "
                "observedAt is off by it");
    if (facts->frequency < target->start_frequency)
        rts_log("%u Hz instead of %u: the limit is kernel.perf_event_max_sample_rate",
                facts->frequency, target->start_frequency);
}
