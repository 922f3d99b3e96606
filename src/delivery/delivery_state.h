/* SPDX-License-Identifier: Apache-2.0 */
/* Between delivery.c (what others call), delivery_thread.c (what the thread does and when),
 * delivery_answer.c (what follows from an answer) and delivery_spooling.c (from memory to the disk,
 * below them). */
#ifndef RTS_DELIVERY_DELIVERY_STATE_H
#define RTS_DELIVERY_DELIVERY_STATE_H

#include <pthread.h>

#include "delivery/complaints.h"
#include "delivery/delivery_ledger.h"
#include "delivery/endpoint.h"
#include "delivery/outcome.h"
#include "delivery/spool.h"
#include "delivery/upload.h"

struct rts_delivery {
    /* Set once, before the thread starts. */
    struct rts_endpoint endpoint;
    struct rts_upload *upload; /* the thread's; NULL: no egress */
    char *spool_path;          /* NULL: no spool */
    uint32_t batch_events_max;
    bool drain_only;
    bool greet;
    struct rts_patience patience;
    unsigned seal_needs; /* enum rts_seal_need */
    pthread_t thread;

    uint64_t next_sequence; /* theirs who hand lines over */

    /* Held while files are read and written, sometimes for long. Who needs the ledger as well takes
     * this one first. */
    pthread_mutex_t spool_lock;
    struct rts_spool *spool; /* NULL: none */

    struct rts_delivery_ledger ledger; /* what all of them look at */

    /* The thread's own. */
    struct rts_batch *flight;  /* being sent */
    bool flight_spooled;       /* it is in the spool too */
    uint64_t next_attempt_ns;  /* no request before */
    bool asked_to_wait;        /* by the server, or somebody has to act: no last attempt either */
    bool last_attempt_made;    /* after the stop */
    uint64_t next_spooling_ns; /* the disk is full: do not try before */
    uint64_t next_expiry_ns;   /* look for what is too old */
    uint64_t seed;
    struct rts_batch_id suspect; /* a batch that fails while the server is there */
    bool has_suspect, probing;
    struct rts_complaints complaints;
    bool spool_trouble_said, withheld_said;
};

/* delivery_thread.c: the thread. */
void *rts_delivery_run(void *delivery);

/* delivery_answer.c: the request for `flight` has ended: does with the batch what the answer calls
 * for, and sets when the next request may begin. */
void rts_delivery_conclude(struct rts_delivery *delivery, const struct rts_upload_result *result);

/* delivery_spooling.c: moves what is in memory to the spool, as far as it takes it and `time_ns`
 * allow. Called with spool_lock held, by the thread, or at the end by whoever took its place. */
void rts_delivery_spool_queue(struct rts_delivery *delivery, uint64_t time_ns);

/* Takes a loss, and how much is in the spool now, into the counts. */
void rts_delivery_count_loss(struct rts_delivery *delivery, const struct rts_spool_loss *loss);

/* Says once that the disk does not take what it should. */
void rts_delivery_say_spool_trouble(struct rts_delivery *delivery, const struct rts_error *error);

#endif
