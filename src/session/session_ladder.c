/* SPDX-License-Identifier: Apache-2.0 */
/* The capture, opened on the target by the best way that is permitted. */
#include "session/session.h"

#include <stdlib.h>

#include "capture/ptrace_clock.h"
#include "capture/refusal.h"
#include "process/descendants.h"
#include "process/maps.h"
#include "process/stat.h"
#include "sealing/seal.h"
#include "util/cleanup.h"
#include "util/log.h"

/* May all that will be sampled be looked into? Of groups and of all it is not known who that is. */
static bool may_read_maps(const struct rts_session *session)
{
    const struct rts_settings *settings = session->settings;
    size_t count = 0;
    if (settings->target == RTS_TARGET_COMMAND)
        return true;
    bool named = settings->target == RTS_TARGET_PIDS;
    RTS_FREE int32_t *all = named ? NULL : rts_process_list(rts_session_proc(session), 0, &count);
    for (size_t i = 0; i < (named ? settings->pid_count : count); i++)
        if (!rts_maps_permitted(rts_session_proc(session),
                                named ? (int32_t)settings->pids[i] : all[i]))
            return false;
    return true;
}

static struct rts_capture *create(struct rts_session *session, bool by_ptrace,
                                  struct rts_error *error)
{
    const struct rts_capture_options options = {
        .frequency = session->start_frequency,
        .call_graph = session->settings->call_graph,
        .stack_bytes = session->settings->stack_bytes,
        .user_registers = session->arch->perf_registers,
        .enable_on_exec = session->settings->target == RTS_TARGET_COMMAND,
        .build_ids = !by_ptrace && !may_read_maps(session),
        .max_stop_us = session->settings->sampler.max_stop_us,
        .read_maps = rts_maps_read,
        .max_cpu_percent = session->settings->sampler.max_cpu_percent,
        .proc = {.broker = by_ptrace ? session->tracers_broker : session->broker, .root = "/proc"},
    };
    return by_ptrace ? rts_capture_create_ptrace(&options)
                     : rts_capture_create_perf(&options, error);
}

static int open_on_target(struct rts_session *session, bool by_ptrace, struct rts_error *error)
{
    session->capture = create(session, by_ptrace, error);
    if (!session->capture)
        return -1;
    session->code_map.monotonic =
        !(rts_capture_facts(session->capture)->gave_up & RTS_FEATURE_CLOCK_ID);
    return rts_session_attach(session, error);
}

/* What the failed attempt has left behind. */
static void let_go(struct rts_session *session)
{
    rts_capture_destroy(session->capture);
    session->capture = NULL;
    session->whole_cpus = session->own_only = session->group_events = false;
    free(session->group);
    session->group = NULL;
    session->container_id[0] = '\0';
}

/* Why samples that hit in the kernel were refused, if they were. */
static bool read_kernel_side(struct rts_session *session, struct rts_refusal *refusal)
{
    struct rts_standing standing;
    int number = session->capture ? rts_capture_facts(session->capture)->kernel_side_error : 0;
    if (number == 0)
        return false;
    const struct rts_proc proc = {.broker = session->broker, .root = "/proc"};
    rts_standing_read(&proc, &standing);
    rts_refusal_of_perf(&standing, RTS_PERF_KERNEL_SIDE, NULL, number, refusal);
    return true;
}

/* Writes down which rungs of perf events were refused. `last`: why none was taken; NULL: one was.
 */
static void note_perf(struct rts_session *session, const char *last)
{
    struct rts_receipt *receipt = &session->receipt;
    struct rts_refusal kernel_side;
    bool cpus = session->group_events ||
                (session->settings->target == RTS_TARGET_ALL && !session->own_only);
    enum rts_rung rung = cpus ? RTS_RUNG_PERF_CPUS : RTS_RUNG_PERF_PROCESS;
    if (read_kernel_side(session, &kernel_side)) {
        if (!receipt->refused[rung] && !cpus)
            receipt->refused[rung] = rts_cause_name(kernel_side.cause);
        rung = cpus ? rung : RTS_RUNG_PERF_USER;
        if (!last)
            rts_log("without samples that hit in the kernel: %s; %s", kernel_side.reason,
                    kernel_side.remedy);
    }
    if (last)
        receipt->refused[rung] = last;
    receipt->taken = session->own_only     ? RTS_RUNG_OWN_PROCESSES
                     : session->whole_cpus ? RTS_RUNG_PERF_CPUS
                                           : rung;
}

/* The duty of ptrace is to be the last: only what says why it was refused can be got around, and
 * only for processes that were named. */
static bool may_fall(const struct rts_session *session, const struct rts_error *failure)
{
    return session->settings->method == RTS_METHOD_AUTO && failure->cause &&
           session->settings->target != RTS_TARGET_ALL;
}

static int open_perf(struct rts_session *session, struct rts_error *error)
{
    int result = open_on_target(session, false, error);
    if (result == 0 || error->cause)
        note_perf(session, result == 0 ? NULL : error->cause);
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
static int open_tracers_broker(struct rts_session *session, struct rts_error *error)
{
    const struct rts_broker_setup setup = {
        .proc_root = "/proc", .seal = seal_tracers_broker, .loses = "it is sampled no more"};
    session->tracers_broker = rts_broker_start(&setup, error);
    return session->tracers_broker ? 0 : -1;
}

static int open_ptrace(struct rts_session *session, struct rts_error *error)
{
    session->receipt.taken = RTS_RUNG_PTRACE;
    if (open_tracers_broker(session, error) < 0)
        return -1;
    return open_on_target(session, true, error);
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

int rts_session_open_capture(struct rts_session *session, struct rts_error *error)
{
    struct rts_error failure = {.failure = RTS_FAILED};
    if (check_proc(error) < 0)
        return -1;
    session->start_frequency = rts_session_start_frequency(session);
    int result = session->settings->method == RTS_METHOD_PTRACE ? open_ptrace(session, &failure)
                                                                : open_perf(session, &failure);
    if (result < 0 && may_fall(session, &failure)) {
        rts_log("trying ptrace: %s", failure.text);
        let_go(session);
        result = open_ptrace(session, &failure);
    }
    if (result == 0)
        rts_session_open_guard(session);
    else if (error)
        *error = failure;
    return result;
}
