/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery_state.h"

#include <stdlib.h>
#include <strings.h>

#include "sealing/seal.h"
#include "util/clock.h"
#include "util/log.h"

#define IDLE_PAUSE_MS   60000
#define EXPIRY_PAUSE_NS RTS_NS_PER_S /* at most so often */

/* How long batches are moved to the spool at a stretch: on a slow disk sending must go on. */
#define SPOOLING_NS (RTS_NS_PER_S / 10)

static struct rts_delivery_view look(struct rts_delivery *delivery)
{
    return rts_delivery_ledger_look(&delivery->ledger);
}

static void spool_queue(struct rts_delivery *delivery)
{
    pthread_mutex_lock(&delivery->spool_lock);
    rts_delivery_spool_queue(delivery, SPOOLING_NS);
    pthread_mutex_unlock(&delivery->spool_lock);
}

/* --- Which batch, and when -------------------------------------------------------------------- */

/* The oldest that may be sent now, out of memory or the spool; NULL when there is none. */
static struct rts_batch *choose(struct rts_delivery *delivery, uint64_t now)
{
    const struct rts_batch_id *skip = delivery->has_suspect ? &delivery->suspect : NULL;
    struct rts_spool_loss loss = {0};
    pthread_mutex_lock(&delivery->spool_lock);
    const struct rts_batch_id *in_spool =
        delivery->spool ? rts_spool_peek(delivery->spool, now, skip) : NULL;
    struct rts_batch *batch = rts_delivery_ledger_choose(&delivery->ledger, now, skip, in_spool);
    delivery->flight_spooled = !batch && in_spool;
    if (delivery->flight_spooled)
        batch = rts_spool_next(delivery->spool, now, skip, &loss);
    pthread_mutex_unlock(&delivery->spool_lock);
    rts_delivery_count_loss(delivery, &loss);
    return batch;
}

/* May a request begin now? Once the end has come, a pause is cut short for one last attempt, unless
 * it was asked for. */
static bool may_begin(struct rts_delivery *delivery, uint64_t now)
{
    if (!delivery->upload || delivery->flight)
        return false;
    if (now >= delivery->next_attempt_ns)
        return true;
    struct rts_delivery_view view = look(delivery);
    if (!view.stop || delivery->asked_to_wait || delivery->last_attempt_made)
        return false;
    delivery->last_attempt_made = view.failures > 0;
    return true;
}

/* What is too old goes when there is no hope for it: while the server takes facts, old ones are
 * sent as well as new ones. Who drains a spool wants all of it to be sent. */
static void expire(struct rts_delivery *delivery)
{
    struct rts_spool_loss loss = {0};
    uint64_t now = rts_clock_monotonic_ns();
    if (!delivery->spool || delivery->drain_only || now < delivery->next_expiry_ns)
        return;
    delivery->next_expiry_ns = now + EXPIRY_PAUSE_NS;
    bool only_put_aside = delivery->upload && look(delivery).failures == 0;
    pthread_mutex_lock(&delivery->spool_lock);
    rts_spool_expire(delivery->spool, only_put_aside, &loss);
    pthread_mutex_unlock(&delivery->spool_lock);
    rts_delivery_count_loss(delivery, &loss);
}

/* A batch of another place may have been made with headers that nobody has given here. */
static void say_withheld(struct rts_delivery *delivery, const struct rts_batch *batch)
{
    const struct rts_endpoint *endpoint = &delivery->endpoint;
    const char *at = batch->envelope;
    for (char *name; !delivery->withheld_said && rts_envelope_next(&at, "withheld: ", &name);
         free(name)) {
        if (strcasecmp(name, "Authorization") == 0 ||
            rts_header_find(endpoint->withheld, endpoint->withheld_count, name))
            continue;
        delivery->withheld_said = true;
        rts_log("what waits in %s was made with a header %s, which is not kept there: give it with "
                "--header if the server wants it",
                delivery->spool_path, name);
    }
}

static void begin(struct rts_delivery *delivery)
{
    uint64_t now = rts_clock_monotonic_ns();
    if (!may_begin(delivery, now))
        return;
    delivery->flight = choose(delivery, now);
    delivery->probing = delivery->flight && delivery->has_suspect;
    if (!delivery->flight && delivery->has_suspect) {
        delivery->has_suspect = false;
        delivery->flight = choose(delivery, now);
    }
    if (!delivery->flight) {
        rts_delivery_ledger_set_put_aside(&delivery->ledger);
        return;
    }
    say_withheld(delivery, delivery->flight);
    if (delivery->flight->attempts > 0)
        rts_delivery_ledger_count_retry(&delivery->ledger);
    struct rts_upload_result result;
    if (rts_upload_begin(delivery->upload, delivery->flight, &result) < 0)
        rts_delivery_conclude(delivery, &result);
}

/* --- The loop --------------------------------------------------------------------------------- */

/* Is there no reason to go on? */
static bool is_over(struct rts_delivery *delivery)
{
    struct rts_delivery_view view = look(delivery);
    bool waiting = delivery->flight || view.in_memory > 0 || view.in_spool > 0;
    bool hopeless = !delivery->flight && view.failures > 0 &&
                    (delivery->asked_to_wait || delivery->last_attempt_made);
    return view.abandoned || (view.stop && (rts_clock_monotonic_ns() >= view.deadline_ns ||
                                            !waiting || hopeless || !delivery->upload));
}

/* How long nothing has to be done, as far as is known. */
static uint64_t pause_ms(struct rts_delivery *delivery)
{
    uint64_t now = rts_clock_monotonic_ns(), until = now + IDLE_PAUSE_MS * RTS_NS_PER_MS;
    struct rts_delivery_view view = look(delivery);
    bool waiting = view.in_memory > 0 || view.in_spool > 0;
    if (view.stop && view.deadline_ns < until)
        until = view.deadline_ns;
    if (delivery->spool && view.in_memory > 0 && delivery->next_spooling_ns < until)
        until = delivery->next_spooling_ns;
    if (waiting && !delivery->flight && delivery->upload && delivery->next_attempt_ns < until &&
        delivery->next_attempt_ns > now)
        until = delivery->next_attempt_ns;
    else if (waiting && !delivery->flight && until > now + RTS_NS_PER_S)
        until = now + RTS_NS_PER_S; /* put aside: look again */
    return until > now ? (until - now + RTS_NS_PER_MS - 1) / RTS_NS_PER_MS : 0;
}

static void wait_without_upload(struct rts_delivery *delivery)
{
    uint64_t until_ns = rts_clock_monotonic_ns() + pause_ms(delivery) * RTS_NS_PER_MS;
    rts_delivery_ledger_wait_for_work(&delivery->ledger, delivery->next_spooling_ns == 0, until_ns);
}

/* The batch that is being sent goes to the spool, if it is not there, with all others. */
static void settle(struct rts_delivery *delivery)
{
    struct rts_spool_loss loss = {0};
    pthread_mutex_lock(&delivery->spool_lock);
    delivery->next_spooling_ns = 0;
    if (!look(delivery).abandoned) {
        if (delivery->spool && delivery->flight && !delivery->flight_spooled)
            rts_spool_put(delivery->spool, delivery->flight, &loss, NULL);
        rts_delivery_spool_queue(delivery, UINT64_MAX);
        rts_delivery_count_loss(delivery, &loss);
    }
    rts_delivery_ledger_set_settled(&delivery->ledger);
    pthread_mutex_unlock(&delivery->spool_lock);
}

/* Whether the server can be reached is said before anything depends on it. */
static void greet(struct rts_delivery *delivery)
{
    struct rts_upload_result result;
    bool ended = rts_upload_greet(delivery->upload, &result) < 0;
    while (!ended && !is_over(delivery)) {
        spool_queue(delivery);
        ended = rts_upload_work(delivery->upload, pause_ms(delivery), &result);
    }
    rts_upload_cancel(delivery->upload);
    if (ended && !look(delivery).abandoned && result.text[0])
        rts_complaints_say(&delivery->complaints, delivery->endpoint.origin,
                           "cannot be reached, while sampling goes on", result.text);
}

void *rts_delivery_run(void *opaque)
{
    struct rts_delivery *delivery = opaque;
    rts_seal(RTS_SEAL_DELIVERY, delivery->seal_needs, NULL);
    if (delivery->greet)
        greet(delivery);
    while (!is_over(delivery)) {
        struct rts_upload_result result;
        spool_queue(delivery);
        expire(delivery);
        begin(delivery);
        if (!delivery->upload)
            wait_without_upload(delivery);
        else if (rts_upload_work(delivery->upload, pause_ms(delivery), &result) &&
                 !look(delivery).abandoned)
            rts_delivery_conclude(delivery, &result);
    }
    settle(delivery);
    if (delivery->upload)
        rts_upload_cancel(delivery->upload);
    rts_batch_destroy(delivery->flight);
    delivery->flight = NULL;
    rts_delivery_ledger_set_exited(&delivery->ledger);
    return NULL;
}
