/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "delivery/backoff.h"
#include "delivery/delivery_state.h"
#include "sealing/reach.h"
#include "sealing/seal.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/table.h"

/* Of the patience at the end, what is kept back for writing files, and for giving up. */
#define SETTLE_RESERVE_MS  400
#define GIVE_UP_RESERVE_MS 50

/* Low bits of a sequence number that begins with the time in seconds. */
#define CHANCE_BITS 24

static uint64_t choose_sequence(const struct rts_delivery_options *options,
                                const struct rts_spool *spool)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t chance =
        rts_hash_u64((uint64_t)now.tv_nsec ^ rts_clock_monotonic_ns() ^ (uint64_t)getpid() << 32) &
        ((1u << CHANCE_BITS) - 1);
    uint64_t first = options->first_sequence ? options->first_sequence
                                             : (uint64_t)now.tv_sec << CHANCE_BITS | chance;
    uint64_t last = spool ? rts_spool_last_sequence(spool) : 0;
    return first > last ? first : last + 1;
}

static void destroy(struct rts_delivery *delivery)
{
    rts_upload_destroy(delivery->upload);
    rts_spool_close(delivery->spool);
    rts_delivery_ledger_finish(&delivery->ledger);
    rts_endpoint_finish(&delivery->endpoint);
    pthread_mutex_destroy(&delivery->spool_lock);
    free(delivery->spool_path);
    free(delivery);
}

static int open_parts(struct rts_delivery *delivery, const struct rts_delivery_options *options,
                      struct rts_error *error)
{
    if (!options->egress && !options->spool.directory)
        return rts_fail(error, RTS_USAGE,
                        "Egress:Enabled is false and there is no spool: facts would be lost");
    if (rts_endpoint_init(&delivery->endpoint, &options->endpoint, error) < 0)
        return -1;
    if (options->egress &&
        !(delivery->upload = rts_upload_create(&delivery->endpoint, &options->upload, error)))
        return -1;
    if (!options->spool.directory)
        return 0;
    delivery->spool_path = rts_strdup(options->spool.directory);
    delivery->spool = rts_spool_open(&options->spool, error);
    return delivery->spool ? 0 : -1;
}

/* The certificates are read again for every connection, and the token when it changes. */
static bool needs_files(const struct rts_delivery_options *options)
{
    const struct rts_upload_options *upload = &options->upload;
    return rts_reach_takes_capabilities(upload->cacert, false) ||
           rts_reach_takes_capabilities(upload->cert, false) ||
           rts_reach_takes_capabilities(upload->key, false) ||
           rts_reach_takes_capabilities(upload->token_file, false) ||
           rts_reach_takes_capabilities(options->spool.directory, true);
}

/* Signals are for the thread that handles them: here they would interrupt nothing. */
static int start_thread(struct rts_delivery *delivery)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&delivery->thread, NULL, rts_delivery_run, delivery);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

struct rts_delivery *rts_delivery_create(const struct rts_delivery_options *options,
                                         struct rts_error *error)
{
    struct rts_delivery *delivery = rts_calloc(1, sizeof *delivery);
    pthread_mutex_init(&delivery->spool_lock, NULL);
    int result = open_parts(delivery, options, error);
    rts_delivery_ledger_init(&delivery->ledger,
                             delivery->spool ? rts_spool_count(delivery->spool) : 0);
    if (result < 0) {
        destroy(delivery);
        return NULL;
    }
    delivery->batch_events_max =
        options->batch_events_max ? options->batch_events_max : RTS_DELIVERY_BATCH_DEFAULT;
    delivery->greet = options->greet && delivery->upload;
    delivery->patience = (struct rts_patience){
        .first_ms = options->retry_first_ms ? options->retry_first_ms : RTS_BACKOFF_FIRST_MS,
        .max_ms = options->retry_max_ms ? options->retry_max_ms : RTS_BACKOFF_LONGEST_MS,
        .eager = options->eager,
    };
    delivery->drain_only = options->endpoint.drain_only;
    delivery->next_sequence = choose_sequence(options, delivery->spool);
    delivery->seed = rts_hash_u64(delivery->next_sequence ^ (uint64_t)getpid());
    delivery->seal_needs = needs_files(options) ? RTS_SEAL_NEED_FILES : 0;
    int failure = start_thread(delivery);
    if (failure) {
        rts_fail_errno(error, failure, "cannot start the thread that delivers");
        destroy(delivery);
        return NULL;
    }
    return delivery;
}

/* Lets the thread look at the ledger again, wherever it waits. */
static void wake(struct rts_delivery *delivery)
{
    if (delivery->upload)
        rts_upload_wake(delivery->upload);
}

static void enqueue(struct rts_delivery *delivery, struct rts_batch *batch)
{
    bool first_loss = rts_delivery_ledger_submit(&delivery->ledger, batch, RTS_DELIVERY_MEMORY_MAX);
    wake(delivery);
    if (first_loss)
        rts_log("too many facts wait in memory: the oldest are dropped%s",
                delivery->spool_path ? "" : "; a spool (--spool) would keep them");
}

size_t rts_delivery_submit(struct rts_delivery *delivery, const char *lines, size_t size)
{
    struct rts_batch_form form = {delivery->endpoint.envelope, delivery->endpoint.structured_head};
    size_t position = 0, made = 0;
    if (!form.envelope || size == 0)
        return 0;
    for (struct rts_batch *batch;
         (batch = rts_batch_cut(&form, lines, size, &position, delivery->batch_events_max,
                                delivery->next_sequence));
         made++) {
        delivery->next_sequence++;
        enqueue(delivery, batch);
    }
    return made;
}

void rts_delivery_counts(struct rts_delivery *delivery, struct rts_delivery_counts *counts)
{
    rts_delivery_ledger_counts(&delivery->ledger, counts);
}

void rts_delivery_state(struct rts_delivery *delivery, struct rts_delivery_state *state)
{
    rts_delivery_ledger_state(&delivery->ledger, state);
}

void rts_delivery_wait(struct rts_delivery *delivery, uint64_t timeout_ms)
{
    rts_delivery_ledger_wait(&delivery->ledger,
                             rts_clock_monotonic_ns() + timeout_ms * RTS_NS_PER_MS);
}

char *rts_delivery_subject_key(struct rts_delivery *delivery)
{
    return rts_delivery_ledger_subject_key(&delivery->ledger);
}

/* The thread hangs (in a name server's silence, or in a disk's): saves what is in memory in its
 * place, when the spool is not what it hangs in. */
static void take_over(struct rts_delivery *delivery)
{
    if (!delivery->spool || pthread_mutex_trylock(&delivery->spool_lock) != 0)
        return;
    delivery->next_spooling_ns = 0;
    rts_delivery_spool_queue(delivery, UINT64_MAX);
    pthread_mutex_unlock(&delivery->spool_lock);
}

static int report(struct rts_delivery *delivery, const struct rts_delivery_counts *counts,
                  struct rts_error *error)
{
    const struct rts_delivery_events *own = &counts->own;
    const char *place = delivery->spool_path ? delivery->spool_path : "";
    char text[sizeof error->text] = "";
    struct rts_delivery_state state;
    size_t size = sizeof text;
    if (own->spooled + own->rejected + own->dropped == 0)
        return 0;
    rts_delivery_ledger_state(&delivery->ledger, &state);
    if (own->spooled > 0)
        snprintf(text, size, "%" PRIu64 " facts wait in %s", own->spooled, place);
    if (own->rejected > 0)
        snprintf(text + strlen(text), size - strlen(text), "%s%" PRIu64 " facts were refused%s%s%s",
                 *text ? "; " : "", own->rejected, *place ? " and lie in " : "", place,
                 *place ? "/rejected" : "");
    if (own->dropped > 0)
        snprintf(text + strlen(text), size - strlen(text), "%s%" PRIu64 " facts are lost",
                 *text ? "; " : "", own->dropped);
    if (state.text[0])
        snprintf(text + strlen(text), size - strlen(text), " (%s)", state.text);
    return rts_fail(error, RTS_UNDELIVERED, "%s", text);
}

int rts_delivery_finish(struct rts_delivery *delivery, uint64_t patience_ms,
                        struct rts_delivery_counts *counts, struct rts_error *error)
{
    struct rts_delivery_counts final;
    if (!delivery)
        return 0;
    uint64_t end_ns = rts_clock_monotonic_ns() + patience_ms * RTS_NS_PER_MS;
    uint64_t reserve_ms = patience_ms / 4 < SETTLE_RESERVE_MS ? patience_ms / 4 : SETTLE_RESERVE_MS;
    rts_delivery_ledger_stop(&delivery->ledger, end_ns - reserve_ms * RTS_NS_PER_MS);
    wake(delivery);
    if (!rts_delivery_ledger_await_settled(&delivery->ledger,
                                           end_ns - GIVE_UP_RESERVE_MS * RTS_NS_PER_MS))
        take_over(delivery);

    rts_delivery_ledger_counts(&delivery->ledger, &final);
    final.own.dropped =
        final.own.submitted - final.own.accepted - final.own.rejected - final.own.spooled;
    int result = report(delivery, &final, error);
    if (counts)
        *counts = final;
    if (rts_delivery_ledger_await_exited(&delivery->ledger, end_ns)) {
        pthread_join(delivery->thread, NULL);
        destroy(delivery);
    } else {
        /* It still uses all of this, until the program ends. */
        pthread_detach(delivery->thread);
    }
    return result;
}
