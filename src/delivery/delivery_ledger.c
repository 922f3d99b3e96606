/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/memory.h"

void rts_delivery_ledger_init(struct rts_delivery_ledger *ledger, size_t spool_count)
{
    pthread_condattr_t attributes;
    *ledger = (struct rts_delivery_ledger){.spool_count = spool_count};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ledger->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ledger->lock, NULL);
}

void rts_delivery_ledger_finish(struct rts_delivery_ledger *ledger)
{
    rts_batch_queue_finish(&ledger->queue);
    pthread_cond_destroy(&ledger->changed);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->subject_key);
}

static void change_flag(struct rts_delivery_ledger *ledger, bool *flag, bool value)
{
    pthread_mutex_lock(&ledger->lock);
    *flag = value;
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

/* True for the first time that something is lost. Called with the lock. */
static bool is_first_loss(struct rts_delivery_ledger *ledger)
{
    bool is_first = !ledger->drop_said;
    ledger->drop_said = true;
    return is_first;
}

/* --- Those who hand batches over -------------------------------------------------------------- */

bool rts_delivery_ledger_submit(struct rts_delivery_ledger *ledger, struct rts_batch *batch,
                                uint64_t bytes_max)
{
    bool first_loss = false;
    pthread_mutex_lock(&ledger->lock);
    ledger->own.submitted += batch->events;
    ledger->batches++;
    rts_batch_queue_put(&ledger->queue, batch);
    ledger->put_aside = false;
    for (struct rts_batch *oldest;
         (oldest = rts_batch_queue_overflow(&ledger->queue, bytes_max));) {
        ledger->own.dropped += oldest->events;
        rts_batch_destroy(oldest);
        first_loss |= is_first_loss(ledger);
    }
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
    return first_loss;
}

void rts_delivery_ledger_counts(struct rts_delivery_ledger *ledger,
                                struct rts_delivery_counts *counts)
{
    pthread_mutex_lock(&ledger->lock);
    *counts = (struct rts_delivery_counts){
        .own = ledger->own,
        .earlier = ledger->earlier,
        .batches = ledger->batches,
        .retries = ledger->retries,
        .left = ledger->spool_count,
    };
    counts->own.spooled = ledger->spool_own_events;
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_state(struct rts_delivery_ledger *ledger, struct rts_delivery_state *state)
{
    pthread_mutex_lock(&ledger->lock);
    *state = (struct rts_delivery_state){
        .idle = !ledger->active && !ledger->moving && ledger->queue.count == 0 &&
                ledger->spool_count == 0,
        .put_aside = ledger->put_aside,
        .needs_help = ledger->needs_help,
        .failures = ledger->failures,
        .memory_bytes = ledger->queue.bytes,
    };
    memcpy(state->text, ledger->text, sizeof state->text);
    pthread_mutex_unlock(&ledger->lock);
}

char *rts_delivery_ledger_subject_key(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    char *key = ledger->subject_key ? rts_strdup(ledger->subject_key) : NULL;
    pthread_mutex_unlock(&ledger->lock);
    return key;
}

void rts_delivery_ledger_wait(struct rts_delivery_ledger *ledger, uint64_t until_ns)
{
    struct timespec until = rts_timespec_of(until_ns);
    pthread_mutex_lock(&ledger->lock);
    pthread_cond_timedwait(&ledger->changed, &ledger->lock, &until);
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_stop(struct rts_delivery_ledger *ledger, uint64_t deadline_ns)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->stop = true;
    ledger->deadline_ns = deadline_ns;
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

/* Waits until `*flag` is set; false when the time is over before. Called with the lock. */
static bool wait_for(struct rts_delivery_ledger *ledger, const bool *flag, uint64_t until_ns)
{
    struct timespec until = rts_timespec_of(until_ns);
    while (!*flag && rts_clock_monotonic_ns() < until_ns)
        pthread_cond_timedwait(&ledger->changed, &ledger->lock, &until);
    return *flag;
}

bool rts_delivery_ledger_await_settled(struct rts_delivery_ledger *ledger, uint64_t until_ns)
{
    pthread_mutex_lock(&ledger->lock);
    bool settled = wait_for(ledger, &ledger->settled, until_ns);
    ledger->abandoned = !settled;
    pthread_mutex_unlock(&ledger->lock);
    return settled;
}

bool rts_delivery_ledger_await_exited(struct rts_delivery_ledger *ledger, uint64_t until_ns)
{
    pthread_mutex_lock(&ledger->lock);
    bool exited = wait_for(ledger, &ledger->exited, until_ns);
    pthread_mutex_unlock(&ledger->lock);
    return exited;
}

/* --- The thread ------------------------------------------------------------------------------- */

struct rts_delivery_view rts_delivery_ledger_look(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    struct rts_delivery_view view = {
        .in_memory = ledger->queue.count,
        .in_spool = ledger->spool_count,
        .failures = ledger->failures,
        .stop = ledger->stop,
        .deadline_ns = ledger->deadline_ns,
        .abandoned = ledger->abandoned,
    };
    pthread_mutex_unlock(&ledger->lock);
    return view;
}

void rts_delivery_ledger_wait_for_work(struct rts_delivery_ledger *ledger, bool may_spool,
                                       uint64_t until_ns)
{
    struct timespec until = rts_timespec_of(until_ns);
    pthread_mutex_lock(&ledger->lock);
    if (!ledger->stop && !(may_spool && ledger->queue.count > 0))
        pthread_cond_timedwait(&ledger->changed, &ledger->lock, &until);
    pthread_mutex_unlock(&ledger->lock);
}

struct rts_batch *rts_delivery_ledger_take_first(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    struct rts_batch *batch = ledger->queue.first;
    if (batch)
        rts_batch_queue_take(&ledger->queue, batch);
    ledger->moving = batch != NULL;
    pthread_mutex_unlock(&ledger->lock);
    return batch;
}

void rts_delivery_ledger_put_back(struct rts_delivery_ledger *ledger, struct rts_batch *batch)
{
    pthread_mutex_lock(&ledger->lock);
    rts_batch_queue_put(&ledger->queue, batch);
    ledger->moving = false;
    pthread_mutex_unlock(&ledger->lock);
}

struct rts_batch *rts_delivery_ledger_choose(struct rts_delivery_ledger *ledger, uint64_t now,
                                             const struct rts_batch_id *skip,
                                             const struct rts_batch_id *in_spool)
{
    pthread_mutex_lock(&ledger->lock);
    struct rts_batch *batch = rts_batch_queue_peek(&ledger->queue, now, skip);
    if (batch && in_spool && rts_batch_compare(in_spool, &batch->id) < 0)
        batch = NULL;
    if (batch)
        rts_batch_queue_take(&ledger->queue, batch);
    ledger->active = batch || in_spool;
    pthread_mutex_unlock(&ledger->lock);
    return batch;
}

void rts_delivery_ledger_defer(struct rts_delivery_ledger *ledger, const struct rts_batch_id *id,
                               uint64_t until_ns)
{
    pthread_mutex_lock(&ledger->lock);
    for (struct rts_batch *at = ledger->queue.first; at; at = at->next)
        if (rts_batch_compare(&at->id, id) == 0)
            at->deferred_until_ns = until_ns;
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_set_idle(struct rts_delivery_ledger *ledger)
{
    change_flag(ledger, &ledger->active, false);
}

void rts_delivery_ledger_set_put_aside(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->put_aside = ledger->queue.count > 0 || ledger->spool_count > 0;
    ledger->active = false;
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_count_retry(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->retries++;
    pthread_mutex_unlock(&ledger->lock);
}

static struct rts_delivery_events *events_of(struct rts_delivery_ledger *ledger,
                                             const struct rts_batch *batch)
{
    return batch->earlier ? &ledger->earlier : &ledger->own;
}

void rts_delivery_ledger_count_accepted(struct rts_delivery_ledger *ledger,
                                        const struct rts_batch *batch, char *subject_key)
{
    pthread_mutex_lock(&ledger->lock);
    events_of(ledger, batch)->accepted += batch->events;
    if (subject_key) {
        free(ledger->subject_key);
        ledger->subject_key = subject_key;
    }
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_count_rejected(struct rts_delivery_ledger *ledger,
                                        const struct rts_batch *batch)
{
    pthread_mutex_lock(&ledger->lock);
    events_of(ledger, batch)->rejected += batch->events;
    pthread_mutex_unlock(&ledger->lock);
}

bool rts_delivery_ledger_count_loss(struct rts_delivery_ledger *ledger,
                                    const struct rts_spool_loss *loss,
                                    const struct rts_spool *spool)
{
    bool first_loss = false;
    pthread_mutex_lock(&ledger->lock);
    ledger->own.dropped += loss->own;
    ledger->earlier.dropped += loss->earlier;
    if (spool) {
        ledger->spool_count = rts_spool_count(spool);
        ledger->spool_own_events = rts_spool_own_events(spool);
    }
    if (loss->own + loss->earlier > 0)
        first_loss = is_first_loss(ledger);
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
    return first_loss;
}

void rts_delivery_ledger_failed(struct rts_delivery_ledger *ledger, const char *text,
                                bool needs_help)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->failures++;
    ledger->needs_help = needs_help;
    snprintf(ledger->text, sizeof ledger->text, "%s", text);
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_succeeded(struct rts_delivery_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->failures = 0;
    ledger->needs_help = false;
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->lock);
}

void rts_delivery_ledger_set_settled(struct rts_delivery_ledger *ledger)
{
    change_flag(ledger, &ledger->settled, true);
}

void rts_delivery_ledger_set_exited(struct rts_delivery_ledger *ledger)
{
    change_flag(ledger, &ledger->exited, true);
}
