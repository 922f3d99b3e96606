/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "delivery/backoff.h"
#include "util/clock.h"
#include "util/log.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

#define CATCH_UP_PAUSE_NS NS_PER_S         /* the longest pause between two of many batches */
#define REPEAT_NS         (600 * NS_PER_S) /* the same complaint is repeated after this */

#define SAID_MAX 20 /* of what differs, in that time */

/* A batch that failed so often while the server could be reached may be the reason itself: then
 * another one is tried, and when that passes, this one is put aside. */
#define SUSPECT_ATTEMPTS 4
#define SUSPECT_PAUSE_NS (300 * NS_PER_S)

static void show_failure(struct rts_delivery *delivery, const char *text, bool needs_help)
{
    pthread_mutex_lock(&delivery->lock);
    delivery->failures++;
    delivery->needs_help = needs_help;
    snprintf(delivery->text, sizeof delivery->text, "%s", text);
    pthread_cond_broadcast(&delivery->changed);
    pthread_mutex_unlock(&delivery->lock);
}

static void show_success(struct rts_delivery *delivery)
{
    pthread_mutex_lock(&delivery->lock);
    delivery->failures = 0;
    delivery->needs_help = false;
    pthread_cond_broadcast(&delivery->changed);
    pthread_mutex_unlock(&delivery->lock);
}

/* What a server says may differ each time. */
static bool may_say(struct rts_delivery *delivery, uint64_t now)
{
    if (now - delivery->saying_since_ns >= REPEAT_NS) {
        delivery->saying_since_ns = now;
        delivery->said_count = 0;
    }
    if (delivery->said_count++ == SAID_MAX)
        rts_log("%s: what else it answers is not said for ten minutes", delivery->endpoint.origin);
    return delivery->said_count <= SAID_MAX;
}

void rts_delivery_say(struct rts_delivery *delivery, const char *what, const char *text)
{
    uint64_t now = rts_clock_monotonic_ns();
    if (strcmp(delivery->said, text) == 0 && now - delivery->said_ns < REPEAT_NS)
        return;
    snprintf(delivery->said, sizeof delivery->said, "%s", text);
    delivery->said_ns = now;
    if (may_say(delivery, now))
        rts_log("%s %s: %s", delivery->endpoint.origin, what, text);
}

/* After a change of the spool that loses nothing. */
static void show_spool(struct rts_delivery *delivery)
{
    rts_delivery_count_loss(delivery, &(struct rts_spool_loss){0});
}

void rts_delivery_say_spool_trouble(struct rts_delivery *delivery, const struct rts_error *error)
{
    if (!delivery->spool_trouble_said)
        rts_log("spool %s: %s; facts wait in memory", delivery->spool_path, error->text);
    delivery->spool_trouble_said = true;
}

void rts_delivery_set_idle(struct rts_delivery *delivery)
{
    pthread_mutex_lock(&delivery->lock);
    delivery->active = false;
    pthread_cond_broadcast(&delivery->changed);
    pthread_mutex_unlock(&delivery->lock);
}

static void count(struct rts_delivery *delivery, uint64_t *own, uint64_t *earlier)
{
    pthread_mutex_lock(&delivery->lock);
    *(delivery->flight->earlier ? earlier : own) += delivery->flight->events;
    pthread_mutex_unlock(&delivery->lock);
}

/* The server does its work: what is next goes out, though not faster than it takes it. */
static void go_on(struct rts_delivery *delivery, const struct rts_upload_result *result,
                  bool accepted)
{
    uint64_t pause =
        result->duration_ns < CATCH_UP_PAUSE_NS ? result->duration_ns : CATCH_UP_PAUSE_NS;
    delivery->next_attempt_ns = delivery->eager ? 0 : rts_clock_monotonic_ns() + pause;
    delivery->asked_to_wait = delivery->last_attempt_made = false;
    if (delivery->probing) {
        pthread_mutex_lock(&delivery->spool_lock);
        if (delivery->spool)
            rts_spool_defer(delivery->spool, &delivery->suspect,
                            rts_clock_monotonic_ns() + SUSPECT_PAUSE_NS);
        pthread_mutex_unlock(&delivery->spool_lock);
        pthread_mutex_lock(&delivery->lock);
        for (struct rts_batch *at = delivery->queue.first; at; at = at->next)
            if (rts_batch_compare(&at->id, &delivery->suspect) == 0)
                at->deferred_until_ns = rts_clock_monotonic_ns() + SUSPECT_PAUSE_NS;
        pthread_mutex_unlock(&delivery->lock);
    }
    delivery->has_suspect = false;
    if (accepted && delivery->failures > 0 && delivery->said[0]) {
        if (may_say(delivery, rts_clock_monotonic_ns()))
            rts_log("%s takes facts again", delivery->endpoint.origin);
        delivery->said[0] = '\0';
    }
    show_success(delivery);
}

static void accept(struct rts_delivery *delivery, struct rts_answer *answer)
{
    if (delivery->flight_spooled) {
        pthread_mutex_lock(&delivery->spool_lock);
        rts_spool_remove(delivery->spool, delivery->flight);
        pthread_mutex_unlock(&delivery->spool_lock);
    }
    count(delivery, &delivery->own.accepted, &delivery->earlier.accepted);
    if (!answer->subject_key)
        return;
    pthread_mutex_lock(&delivery->lock);
    free(delivery->subject_key);
    delivery->subject_key = answer->subject_key;
    pthread_mutex_unlock(&delivery->lock);
    answer->subject_key = NULL;
}

static void describe_answer(struct rts_buffer *text, const struct rts_answer *answer,
                            const struct rts_buffer *body)
{
    char when[RTS_UTC_TEXT_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    rts_format_utc_ms(when, (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec);
    rts_buffer_format(text, "at: %s\nanswer: %s\n\n", when, answer->text);
    rts_buffer_append(text, body->data, body->size);
}

static void keep(struct rts_delivery *delivery, uint64_t deferred_until_ns)
{
    if (!delivery->flight)
        return;
    if (delivery->flight_spooled) {
        pthread_mutex_lock(&delivery->spool_lock);
        rts_spool_keep(delivery->spool, delivery->flight, deferred_until_ns);
        pthread_mutex_unlock(&delivery->spool_lock);
        return;
    }
    delivery->flight->deferred_until_ns = deferred_until_ns;
    rts_delivery_put_back(delivery, delivery->flight);
    delivery->flight = NULL;
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
    rts_delivery_say(delivery, "refuses facts", answer->text);
    if (result < 0) {
        rts_delivery_say_spool_trouble(delivery, &error);
        if (delivery->flight_spooled)
            return; /* it is there still, and will be sent and refused once more */
    }
    count(delivery, &delivery->own.rejected, &delivery->earlier.rejected);
}

/* Puts the halves of the flight into its place. */
static int halve(struct rts_delivery *delivery)
{
    struct rts_batch *halves[2];
    struct rts_error error;
    if (rts_batch_split(delivery->flight, halves, &error) < 0)
        return -1;
    if (!delivery->flight_spooled) {
        rts_delivery_put_back(delivery, halves[0]);
        rts_delivery_put_back(delivery, halves[1]);
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

static void try_later(struct rts_delivery *delivery, const struct rts_answer *answer,
                      const struct rts_upload_result *result)
{
    bool needs_help = answer->verdict == RTS_VERDICT_HELP;
    show_failure(delivery, answer->text, needs_help);
    rts_delivery_say(delivery, "takes no facts", answer->text);
    uint64_t pause = needs_help ? delivery->retry_max_ms
                                : rts_backoff_ms(delivery->retry_first_ms, delivery->retry_max_ms,
                                                 delivery->failures, &delivery->seed);
    if (result->wait_ms > pause)
        pause = result->wait_ms;
    delivery->next_attempt_ns = rts_clock_monotonic_ns() + pause * NS_PER_MS;
    delivery->asked_to_wait = needs_help || result->wait_ms > 0;
    struct rts_batch *flight = delivery->flight;
    flight->attempts++;
    bool suspicious = result->reached && !needs_help && !delivery->probing &&
                      flight->attempts >= SUSPECT_ATTEMPTS;
    delivery->has_suspect = suspicious;
    if (suspicious)
        delivery->suspect = flight->id;
    keep(delivery, 0);
}

void rts_delivery_conclude(struct rts_delivery *delivery, const struct rts_upload_result *result)
{
    struct rts_answer answer = {
        .verdict = result->needs_help ? RTS_VERDICT_HELP : RTS_VERDICT_LATER,
    };
    if (result->status > 0)
        rts_answer_judge(&answer, result->status, result->body->data, result->body->size);
    else
        snprintf(answer.text, sizeof answer.text, "%s", result->text);
    if (answer.verdict == RTS_VERDICT_TOO_BIG && halve(delivery) < 0)
        answer.verdict = RTS_VERDICT_REFUSED;
    switch (answer.verdict) {
    case RTS_VERDICT_ACCEPTED: accept(delivery, &answer); break;
    case RTS_VERDICT_REFUSED: reject(delivery, &answer, result->body); break;
    case RTS_VERDICT_TOO_BIG: break;
    case RTS_VERDICT_LATER:
    case RTS_VERDICT_HELP: try_later(delivery, &answer, result); break;
    }
    if (answer.verdict != RTS_VERDICT_LATER && answer.verdict != RTS_VERDICT_HELP)
        go_on(delivery, result, answer.verdict == RTS_VERDICT_ACCEPTED);
    rts_answer_finish(&answer);
    rts_batch_destroy(delivery->flight);
    delivery->flight = NULL;
    show_spool(delivery);
    rts_delivery_set_idle(delivery);
}
