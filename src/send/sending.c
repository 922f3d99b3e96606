/* SPDX-License-Identifier: Apache-2.0 */
#include "send/sending.h"

#include <poll.h>

/* How long a signal may go unnoticed. */
#define LOOK_AROUND_MS 100

static bool was_interrupted(struct rts_sending *sending)
{
    struct pollfd signals = {.fd = sending->signals, .events = POLLIN};
    if (!sending->interrupted && poll(&signals, 1, 0) > 0)
        sending->interrupted = true;
    return sending->interrupted;
}

/* Once given up, for good: one who starts the program again gets new attempts. */
static bool was_given_up(struct rts_sending *sending, const struct rts_delivery_state *state)
{
    if (state->needs_help || state->failures >= RTS_SENDING_FAILURES_MAX)
        sending->given_up = true;
    return sending->given_up;
}

static uint64_t under_way(const struct rts_delivery_events *own)
{
    return own->submitted - own->accepted - own->rejected - own->dropped;
}

/* Only the spool takes facts now: how long it may make no room, while the disk is slow. */
#define SPOOL_PATIENCE_MS 10000

/* May the next batch be handed over? Waits for it. Not for long when we were interrupted: what was
 * read from a pipe is nowhere else, and goes with what is under way. */
static bool wait_for_room(struct rts_sending *sending)
{
    for (unsigned waited_ms = 0; waited_ms < SPOOL_PATIENCE_MS;) {
        struct rts_delivery_counts counts;
        struct rts_delivery_state state;
        rts_delivery_counts(sending->delivery, &counts);
        rts_delivery_state(sending->delivery, &state);
        bool interrupted = was_interrupted(sending);
        bool spool_only = sending->is_held_back || was_given_up(sending, &state);
        /* What is not handed over is in its file still; what a full spool drops is not. */
        if (counts.own.dropped > 0 || (spool_only && !sending->has_spool))
            return false;
        if (state.memory_bytes < RTS_DELIVERY_MEMORY_MAX / 2 &&
            (interrupted || spool_only || state.put_aside ||
             under_way(&counts.own) < sending->room))
            return true;
        if (interrupted)
            return false;
        rts_delivery_wait(sending->delivery, LOOK_AROUND_MS);
        waited_ms += spool_only ? LOOK_AROUND_MS : 0;
    }
    return false;
}

bool rts_sending_submit(struct rts_sending *sending, const struct rts_fact_batch *batch)
{
    if (!wait_for_room(sending))
        return false;
    rts_delivery_submit(sending->delivery, batch->lines, batch->size);
    return true;
}

void rts_sending_settle(struct rts_sending *sending)
{
    while (!sending->is_held_back && !was_interrupted(sending)) {
        struct rts_delivery_state state;
        rts_delivery_state(sending->delivery, &state);
        if (state.idle || state.put_aside || was_given_up(sending, &state))
            return;
        rts_delivery_wait(sending->delivery, LOOK_AROUND_MS);
    }
}
