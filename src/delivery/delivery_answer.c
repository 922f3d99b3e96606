/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery_state.h"

#include <time.h>

#include "util/clock.h"

/* For so long a batch that alone fails is put aside. */
#define SUSPECT_PAUSE_NS (300 * RTS_NS_PER_S)

/* Another batch passed: the suspect is the reason itself. */
static void put_suspect_aside(struct rts_delivery *delivery)
{
    uint64_t until_ns = rts_clock_monotonic_ns() + SUSPECT_PAUSE_NS;
    pthread_mutex_lock(&delivery->spool_lock);
    if (delivery->spool)
        rts_spool_defer(delivery->spool, &delivery->suspect, until_ns);
    pthread_mutex_unlock(&delivery->spool_lock);
    rts_delivery_ledger_defer(&delivery->ledger, &delivery->suspect, until_ns);
}

/* The server does its work. */
static void go_on(struct rts_delivery *delivery, bool accepted)
{
    delivery->last_attempt_made = false;
    if (delivery->probing)
        put_suspect_aside(delivery);
    if (accepted && rts_delivery_ledger_look(&delivery->ledger).failures > 0)
        rts_complaints_end(&delivery->complaints, delivery->endpoint.origin);
    rts_delivery_ledger_succeeded(&delivery->ledger);
}

static void accept(struct rts_delivery *delivery, struct rts_answer *answer)
{
    if (delivery->flight_spooled) {
        pthread_mutex_lock(&delivery->spool_lock);
        rts_spool_remove(delivery->spool, delivery->flight);
        pthread_mutex_unlock(&delivery->spool_lock);
    }
    rts_delivery_ledger_count_accepted(&delivery->ledger, delivery->flight, answer->subject_key);
    answer->subject_key = NULL;
}

static void describe_answer(struct rts_buffer *text, const struct rts_answer *answer,
                            const struct rts_buffer *body)
{
    char when[RTS_UTC_TEXT_SIZE];
    rts_format_utc_ms(when, rts_clock_wall_ns());
    rts_buffer_format(text, "at: %s\nanswer: %s\n\n", when, answer->text);
    rts_buffer_append(text, body->data, body->size);
}

static void reject(struct rts_delivery *delivery, const struct rts_answer *answer,
                   const struct rts_buffer *body)
{
    struct rts_error error;
    int result = 0;
    if (delivery->spool) {
        struct rts_buffer text = RTS_BUFFER_INIT;
        describe_answer(&text, answer, body);
        pthread_mutex_lock(&delivery->spool_lock);
        result = rts_spool_reject(delivery->spool, delivery->flight, &text, &error);
        pthread_mutex_unlock(&delivery->spool_lock);
        rts_buffer_finish(&text);
    }
    rts_complaints_say(&delivery->complaints, delivery->endpoint.origin, "refuses facts",
                       answer->text);
    if (result < 0) {
        rts_delivery_say_spool_trouble(delivery, &error);
        if (delivery->flight_spooled)
            return; /* it is there still, and will be sent and refused once more */
    }
    rts_delivery_ledger_count_rejected(&delivery->ledger, delivery->flight);
}

/* Puts the halves of the flight into its place. */
static int halve(struct rts_delivery *delivery)
{
    struct rts_batch *halves[2];
    struct rts_error error;
    if (rts_batch_split(delivery->flight, halves, &error) < 0)
        return -1;
    if (!delivery->flight_spooled) {
        rts_delivery_ledger_put_back(&delivery->ledger, halves[0]);
        rts_delivery_ledger_put_back(&delivery->ledger, halves[1]);
        return 0;
    }
    pthread_mutex_lock(&delivery->spool_lock);
    int result = rts_spool_split(delivery->spool, delivery->flight, halves, &error);
    pthread_mutex_unlock(&delivery->spool_lock);
    if (result < 0)
        rts_delivery_say_spool_trouble(delivery, &error);
    rts_batch_destroy(halves[0]);
    rts_batch_destroy(halves[1]);
    return 0;
}

static void keep(struct rts_delivery *delivery, const struct rts_answer *answer,
                 const struct rts_outcome *outcome)
{
    struct rts_batch *flight = delivery->flight;
    rts_delivery_ledger_failed(&delivery->ledger, answer->text, outcome->needs_help);
    rts_complaints_say(&delivery->complaints, delivery->endpoint.origin, "takes no facts",
                       answer->text);
    flight->attempts++;
    if (outcome->is_suspect)
        delivery->suspect = flight->id;
    if (delivery->flight_spooled) {
        pthread_mutex_lock(&delivery->spool_lock);
        rts_spool_keep(delivery->spool, flight, 0);
        pthread_mutex_unlock(&delivery->spool_lock);
        return;
    }
    flight->deferred_until_ns = 0;
    rts_delivery_ledger_put_back(&delivery->ledger, flight);
    delivery->flight = NULL;
}

static struct rts_outcome outcome_of(struct rts_delivery *delivery, const struct rts_answer *answer,
                                     const struct rts_upload_result *result)
{
    const struct rts_flight flight = {
        .attempts = delivery->flight->attempts,
        .failures = rts_delivery_ledger_look(&delivery->ledger).failures,
        .probing = delivery->probing,
    };
    return rts_outcome_of(&flight, answer, result, &delivery->patience, &delivery->seed);
}

void rts_delivery_conclude(struct rts_delivery *delivery, const struct rts_upload_result *result)
{
    struct rts_answer answer;
    rts_outcome_answer(&answer, result);
    struct rts_outcome outcome = outcome_of(delivery, &answer, result);
    if (outcome.fate == RTS_FATE_HALVE && halve(delivery) < 0)
        outcome.fate = RTS_FATE_REJECT;
    switch (outcome.fate) {
    case RTS_FATE_ACCEPT: accept(delivery, &answer); break;
    case RTS_FATE_REJECT: reject(delivery, &answer, result->body); break;
    case RTS_FATE_HALVE: break;
    case RTS_FATE_KEEP: keep(delivery, &answer, &outcome); break;
    }
    delivery->next_attempt_ns = rts_clock_monotonic_ns() + outcome.pause_ns;
    delivery->asked_to_wait = outcome.asked_to_wait;
    if (outcome.fate != RTS_FATE_KEEP)
        go_on(delivery, outcome.fate == RTS_FATE_ACCEPT);
    delivery->has_suspect = outcome.is_suspect;
    rts_answer_finish(&answer);
    rts_batch_destroy(delivery->flight);
    delivery->flight = NULL;
    rts_delivery_count_loss(delivery, &(struct rts_spool_loss){0});
    rts_delivery_ledger_set_idle(&delivery->ledger);
}
