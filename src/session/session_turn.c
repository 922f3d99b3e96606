/* SPDX-License-Identifier: Apache-2.0 */
/* From events of threads to those of whole CPUs, in the middle of a run: when the target is one of
 * short lives, which inherited events do not see. */
#include "session/session.h"

#include "capture/refusal.h"
#include "util/log.h"

/* Samples per second of all CPUs together, for a target that may be small: those of others are
 * thrown away, and each has cost some ten microseconds. */
#define SAMPLES_PER_SECOND_MAX 10000

bool rts_session_by_process(const struct rts_session *session)
{
    return session->receipt.taken != RTS_RUNG_PTRACE && !session->whole_cpus &&
           !session->group_events &&
           (session->settings->target != RTS_TARGET_ALL || session->own_only);
}

int rts_session_turn_to_cpus(struct rts_session *session, const char *cause, const char *why,
                             struct rts_error *error)
{
    const struct rts_capture_facts *facts = rts_capture_facts(session->capture);
    if (!rts_session_by_process(session))
        return rts_fail(error, RTS_FAILED, "it is not threads that are sampled");
    if ((uint64_t)facts->cpus * facts->frequency > SAMPLES_PER_SECOND_MAX) {
        rts_fail(error, RTS_FAILED,
                 "all %u CPUs at %u Hz would be too much for some processes; lower the frequency",
                 facts->cpus, facts->frequency);
        if (error)
            error->cause = rts_cause_name(RTS_CAUSE_MANY_CPUS);
        return -1;
    }
    if (rts_capture_turn_to_cpus(session->capture, error) < 0)
        return -1;
    session->whole_cpus = true;
    session->receipt.taken = RTS_RUNG_PERF_CPUS;
    session->receipt.refused[RTS_RUNG_PERF_PROCESS] = cause;
    rts_process_table_select(session->processes, true);
    rts_log("%s; sampling whole CPUs from now on and using the target's samples", why);
    return 0;
}

/* Those that had ended by then are judged, when their last samples have come: two drains later. */
static void end_lives(struct rts_session *session)
{
    if (++session->drains_since_turn < 3)
        return;
    rts_lives_destroy(session->lives);
    session->lives = NULL;
}

void rts_session_watch_lives(struct rts_session *session, uint64_t now)
{
    static const char why[] = "many threads or processes of the target end before they are sampled";
    struct rts_error failure;
    if (!session->lives)
        return;
    rts_lives_settle(session->lives, now);
    struct rts_lives_unseen unseen = rts_lives_unseen(session->lives);
    session->account.unseen_processes = unseen.processes;
    session->account.unseen_threads = unseen.threads;
    if (session->whole_cpus) {
        end_lives(session);
        return;
    }
    if (session->stays || !rts_session_by_process(session) ||
        !rts_lives_hide_much(session->lives) ||
        rts_session_turn_to_cpus(session, rts_cause_name(RTS_CAUSE_SHORT_LIVES), why, &failure) ==
            0)
        return;
    session->stays = true;
    if (failure.cause && !session->receipt.refused[RTS_RUNG_PERF_CPUS])
        session->receipt.refused[RTS_RUNG_PERF_CPUS] = failure.cause;
    rts_log("%s, and whole CPUs are not sampled instead: %s", why, failure.text);
}
