/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/outcome.h"

#include <stdio.h>

#include "delivery/backoff.h"
#include "util/clock.h"

#define CATCH_UP_PAUSE_NS RTS_NS_PER_S /* the longest pause between two of many batches */

/* A batch that failed so often while the server could be reached may be the reason itself: then
 * another one is tried, and when that passes, this one is put aside. */
#define SUSPECT_ATTEMPTS 4

void rts_outcome_answer(struct rts_answer *answer, const struct rts_upload_result *result)
{
    *answer = (struct rts_answer){
        .verdict = result->needs_help ? RTS_VERDICT_HELP : RTS_VERDICT_LATER,
    };
    if (result->status > 0)
        rts_answer_judge(answer, result->status, result->body->data, result->body->size);
    else
        snprintf(answer->text, sizeof answer->text, "%s", result->text);
}

/* The server does its work: what is next goes out, though not faster than it takes it. */
static struct rts_outcome go_on(enum rts_fate fate, const struct rts_upload_result *result,
                                const struct rts_patience *patience)
{
    uint64_t pause =
        result->duration_ns < CATCH_UP_PAUSE_NS ? result->duration_ns : CATCH_UP_PAUSE_NS;
    return (struct rts_outcome){.fate = fate, .pause_ns = patience->eager ? 0 : pause};
}

static struct rts_outcome try_later(const struct rts_flight *flight, bool needs_help,
                                    const struct rts_upload_result *result,
                                    const struct rts_patience *patience, uint64_t *seed)
{
    uint64_t pause_ms = needs_help ? patience->max_ms
                                   : rts_backoff_ms(patience->first_ms, patience->max_ms,
                                                    flight->failures + 1, seed);
    if (result->wait_ms > pause_ms)
        pause_ms = result->wait_ms;
    return (struct rts_outcome){
        .fate = RTS_FATE_KEEP,
        .pause_ns = pause_ms * RTS_NS_PER_MS,
        .needs_help = needs_help,
        .asked_to_wait = needs_help || result->wait_ms > 0,
        .is_suspect = result->reached && !needs_help && !flight->probing &&
                      flight->attempts + 1 >= SUSPECT_ATTEMPTS,
    };
}

struct rts_outcome rts_outcome_of(const struct rts_flight *flight, const struct rts_answer *answer,
                                  const struct rts_upload_result *result,
                                  const struct rts_patience *patience, uint64_t *seed)
{
    switch (answer->verdict) {
    case RTS_VERDICT_ACCEPTED: return go_on(RTS_FATE_ACCEPT, result, patience);
    case RTS_VERDICT_REFUSED: return go_on(RTS_FATE_REJECT, result, patience);
    case RTS_VERDICT_TOO_BIG: return go_on(RTS_FATE_HALVE, result, patience);
    case RTS_VERDICT_LATER: return try_later(flight, false, result, patience, seed);
    case RTS_VERDICT_HELP: break;
    }
    return try_later(flight, true, result, patience, seed);
}
