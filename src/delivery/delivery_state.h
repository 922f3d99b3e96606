/* SPDX-License-Identifier: Apache-2.0 */
/* Between delivery.c (what others call), delivery_thread.c (what the thread does and when) and
 * delivery_answer.c (what follows from an answer). */
#ifndef RTS_DELIVERY_DELIVERY_STATE_H
#define RTS_DELIVERY_DELIVERY_STATE_H

#include <pthread.h>

#include "delivery/answer.h"
#include "delivery/batch_queue.h"
#include "delivery/delivery.h"

struct rts_delivery {
    /* Set once, before the thread starts. */
    struct rts_endpoint endpoint;
    struct rts_upload *upload; /* the thread's; NULL: no egress */
    char *spool_path;          /* NULL: no spool */
    uint32_t batch_events_max;
    bool eager;
    bool drain_only;
    bool greet;
    uint32_t retry_first_ms, retry_max_ms;
    unsigned seal_needs; /* enum rts_seal_need */
    pthread_t thread;

    /* Held while files are read and written, sometimes for long. Who needs both takes this one
     * first. */
    pthread_mutex_t spool_lock;
    struct rts_spool *spool; /* NULL: none */

    /* What follows is under `lock`, which is only ever held for moments. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rts_batch_queue queue; /* in memory, by id */
    bool active;                  /* the thread is sending a batch */
    bool moving;                  /* a batch is on its way from memory to the spool */
    bool put_aside;               /* see rts_delivery_state */
    size_t spool_count;           /* batches in the spool, as of the last change */
    uint64_t spool_own_events;    /* of those, the events of ours */
    uint64_t next_sequence;
    struct rts_delivery_events own, earlier;
    uint64_t batches, retries;
    bool needs_help;
    unsigned failures;
    char text[sizeof((struct rts_delivery_state *)0)->text];
    char *subject_key;
    bool drop_said;
    bool stop;            /* rts_delivery_finish() was called */
    uint64_t deadline_ns; /* then: until when the thread may go on */
    bool settled;         /* the thread holds no batch any more, and writes no file */
    bool abandoned;       /* the thread was given up: it must touch nothing but `exited` */
    bool exited;

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
    char said[sizeof((struct rts_delivery_state *)0)->text]; /* the last complaint on stderr */
    uint64_t said_ns;
    uint64_t saying_since_ns; /* since when said_count counts */
    unsigned said_count;
    bool spool_trouble_said, withheld_said;
};

/* The thread. */
void *rts_delivery_run(void *delivery);

/* Moves what is in memory to the spool, as far as it takes it and `time_ns` allow. Called with
 * spool_lock held, by the thread, or at the end by whoever took its place. */
void rts_delivery_spool_queue(struct rts_delivery *delivery, uint64_t time_ns);

/* Puts a batch into the queue in memory. */
void rts_delivery_put_back(struct rts_delivery *delivery, struct rts_batch *batch);

/* Takes a loss, and how much is in the spool now, into the counts. */
void rts_delivery_count_loss(struct rts_delivery *delivery, const struct rts_spool_loss *loss);

/* Says something about the server on stderr, by the thread, unless the same was just said, or
 * much else. */
void rts_delivery_say(struct rts_delivery *delivery, const char *what, const char *text);

/* Says once that the disk does not take what it should. */
void rts_delivery_say_spool_trouble(struct rts_delivery *delivery, const struct rts_error *error);

/* The request for `flight` has ended: does with the batch what the answer calls for, and sets when
 * the next request may begin. */
void rts_delivery_conclude(struct rts_delivery *delivery, const struct rts_upload_result *result);

/* No batch is being sent. */
void rts_delivery_set_idle(struct rts_delivery *delivery);

/* Wakes the thread up, wherever it waits. Called with `lock` held. */
void rts_delivery_wake(struct rts_delivery *delivery);

#endif
