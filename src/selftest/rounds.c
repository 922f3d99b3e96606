/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/rounds.h"

#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

#define FIRST_AFTER_NS ((uint64_t)RTS_NS_PER_S)
#define EVERY_NS       ((uint64_t)3600 * RTS_NS_PER_S)

static void take(void *context, const struct rts_unwind_task *task, uint64_t time)
{
    rts_selftest_take(context, task, time);
}

/* Its process has a copy of our memory. Root samples it as it is; others can only if programs of
 * their user may look into it, who are to find no secret there. */
static bool may_be_seen(const struct rts_ingest_settings *ingest)
{
    return geteuid() == 0 || !(ingest->token_file || ingest->key || ingest->headers.count > 0);
}

/* By ptrace its CPU time would count as the target's. */
static bool is_wanted(const struct rts_target *target)
{
    const struct rts_settings *settings = target->settings;
    return settings->self_test && settings->call_graph == RTS_CALL_GRAPH_DWARF &&
           target->receipt.taken != RTS_RUNG_PTRACE && may_be_seen(&settings->ingest);
}

void rts_selftest_rounds_open(struct rts_selftest_rounds *rounds, struct rts_target *target,
                              uint64_t now)
{
    const struct rts_sampler *sampler = target->sampler;
    struct rts_error failure;
    rounds->target = target;
    rounds->next_ns = now + FIRST_AFTER_NS;
    if (!is_wanted(target))
        return;
    rounds->is_open =
        rts_selftest_open(&rounds->test, sampler->setup.arch, sampler->rules, &failure) == 0;
    if (!rounds->is_open)
        rts_log("no self-test: %s", failure.text);
}

static void set_probe(struct rts_selftest_rounds *rounds, int32_t pid)
{
    struct rts_sampler *sampler = rounds->target->sampler;
    sampler->probe = (struct rts_sampler_probe){pid, &rounds->test, take};
    sampler->setup.self->probe = pid;
}

/* Whole CPUs and all processes are sampled with it; else it takes events of its own. */
static int sample(struct rts_selftest_rounds *rounds, int32_t pid, struct rts_error *error)
{
    enum rts_reach reach = rounds->target->sampler->reach;
    if (reach == RTS_REACH_ALL || reach == RTS_REACH_CPUS)
        return 0;
    return rts_capture_add_again(rounds->target->capture, pid, error);
}

static void begin(struct rts_selftest_rounds *rounds)
{
    struct rts_selftest *test = &rounds->test;
    struct rts_error failure;
    if (rts_selftest_begin(test, &rounds->target->origin, &failure) == 0) {
        set_probe(rounds, (int32_t)test->subject.pid);
        if (sample(rounds, (int32_t)test->subject.pid, &failure) == 0)
            return;
        rts_subject_end(&test->subject);
        set_probe(rounds, 0);
    }
    rounds->is_open = false; /* it is the same the next time */
    rts_log("no self-test: %s", failure.text);
}

void rts_selftest_rounds_turn(struct rts_selftest_rounds *rounds, uint64_t now)
{
    if (!rounds->is_open)
        return;
    if (rounds->target->sampler->probe.pid > 0) {
        if (!rts_selftest_turn(&rounds->test))
            set_probe(rounds, 0);
    } else if (now >= rounds->next_ns) {
        rounds->next_ns = now + EVERY_NS;
        begin(rounds);
    }
}

void rts_selftest_rounds_close(struct rts_selftest_rounds *rounds)
{
    rts_selftest_close(&rounds->test);
}
