/* SPDX-License-Identifier: Apache-2.0 */
#include "target/turn.h"

#include "capture/refusal.h"
#include "util/log.h"

/* Samples per second of all CPUs together, for a target that may be small: those of others are
 * thrown away, and each has cost some ten microseconds. */
#define SAMPLES_PER_SECOND_MAX 10000

int rts_target_begin_with_cpus(struct rts_target *target, const struct rts_error *error)
{
    rts_capture_close_events(target->capture);
    if (rts_capture_turn_to_cpus(target->capture, NULL) < 0)
        return -1; /* the message is about the limit */
    rts_log("%s; sampling whole CPUs instead and using the target's samples", error->text);
    target->sampler->reach = RTS_REACH_CPUS;
    target->receipt.refused[RTS_RUNG_PERF_PROCESS] = error->cause;
    rts_process_table_select(target->sampler->processes, false);
    return 0;
}

int rts_target_turn_to_cpus(struct rts_target *target, const char *cause, const char *why,
                            struct rts_error *error)
{
    const struct rts_capture_facts *facts = rts_capture_facts(target->capture);
    if (!rts_target_by_process(target))
        return rts_fail(error, RTS_FAILED, "it is not threads that are sampled");
    if ((uint64_t)facts->cpus * facts->frequency > SAMPLES_PER_SECOND_MAX) {
        rts_fail(error, RTS_FAILED,
                 "all %u CPUs at %u Hz would be too much for some processes; lower the frequency",
                 facts->cpus, facts->frequency);
        if (error)
            error->cause = rts_cause_name(RTS_CAUSE_MANY_CPUS);
        return -1;
    }
    if (rts_capture_turn_to_cpus(target->capture, error) < 0)
        return -1;
    target->sampler->reach = RTS_REACH_CPUS;
    target->receipt.taken = RTS_RUNG_PERF_CPUS;
    target->receipt.refused[RTS_RUNG_PERF_PROCESS] = cause;
    rts_process_table_select(target->sampler->processes, true);
    rts_log("%s; sampling whole CPUs from now on and using the target's samples", why);
    return 0;
}

/* Those that had ended by then are judged, when their last samples have come: two drains later. */
static void end_lives(struct rts_target *target)
{
    if (++target->drains_since_turn < 3)
        return;
    rts_lives_destroy(target->sampler->lives);
    target->sampler->lives = NULL;
}

void rts_target_watch_lives(struct rts_target *target, uint64_t now)
{
    static const char why[] = "many threads or processes of the target end before they are sampled";
    struct rts_error failure;
    /* While samples are held back, a drain does not have the last ones of who has ended before. */
    if (!target->sampler->lives ||
        rts_capture_facts(target->capture)->passed_on_ns <= target->lives_settled_ns)
        return;
    target->lives_settled_ns = now;
    rts_lives_settle(target->sampler->lives, now);
    struct rts_lives_unseen unseen = rts_lives_unseen(target->sampler->lives);
    target->account->unseen_processes = unseen.processes;
    target->account->unseen_threads = unseen.threads;
    if (target->sampler->reach == RTS_REACH_CPUS) {
        end_lives(target);
        return;
    }
    if (target->stays || !rts_target_by_process(target) ||
        !rts_lives_hide_much(target->sampler->lives) ||
        rts_target_turn_to_cpus(target, rts_cause_name(RTS_CAUSE_SHORT_LIVES), why, &failure) == 0)
        return;
    target->stays = true;
    if (failure.cause && !target->receipt.refused[RTS_RUNG_PERF_CPUS])
        target->receipt.refused[RTS_RUNG_PERF_CPUS] = failure.cause;
    rts_log("%s, and whole CPUs are not sampled instead: %s", why, failure.text);
}
