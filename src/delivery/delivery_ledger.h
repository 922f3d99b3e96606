/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the thread that delivers and those who hand batches over both look at: what waits in memory,
 * what was counted, and whether the end has come. All of it is under one lock, which nobody holds
 * for longer than a moment and nobody outside of here takes: each function takes it once.
 */
#ifndef RTS_DELIVERY_DELIVERY_LEDGER_H
#define RTS_DELIVERY_DELIVERY_LEDGER_H

#include <pthread.h>
#include <stddef.h>

#include "delivery/batch_queue.h"
#include "delivery/delivery_counts.h"
#include "delivery/spool.h"

/* Only delivery_ledger.c looks inside. */
struct rts_delivery_ledger {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rts_batch_queue queue; /* in memory, by id */
    bool active;                  /* the thread is sending a batch */
    bool moving;                  /* a batch is on its way from memory to the spool */
    bool put_aside;               /* see rts_delivery_state */
    size_t spool_count;           /* batches in the spool, as of the last change */
    uint64_t spool_own_events;    /* of those, the events of ours */
    struct rts_delivery_events own, earlier;
    uint64_t batches, retries;
    bool needs_help;
    unsigned failures;
    char text[sizeof((struct rts_delivery_state *)0)->text];
    char *subject_key;
    bool drop_said;
    bool stop;
    uint64_t deadline_ns;
    bool settled, abandoned, exited;
};

/* `spool_count` batches are in the spool. */
void rts_delivery_ledger_init(struct rts_delivery_ledger *ledger, size_t spool_count);
void rts_delivery_ledger_finish(struct rts_delivery_ledger *ledger);

/* ---- for those who hand batches over ---- */

/* A batch, which becomes the ledger's, waits in memory from now on. The oldest go when all of them
 * have more than `bytes_max`; true when they do so for the first time. */
bool rts_delivery_ledger_submit(struct rts_delivery_ledger *ledger, struct rts_batch *batch,
                                uint64_t bytes_max);

/* What is true now. */
void rts_delivery_ledger_counts(struct rts_delivery_ledger *ledger,
                                struct rts_delivery_counts *counts);
void rts_delivery_ledger_state(struct rts_delivery_ledger *ledger,
                               struct rts_delivery_state *state);

/* What the server called the subject of the last accepted batch, to be freed; NULL: nothing yet. */
char *rts_delivery_ledger_subject_key(struct rts_delivery_ledger *ledger);

/* Waits until something changes, or that time has come. */
void rts_delivery_ledger_wait(struct rts_delivery_ledger *ledger, uint64_t until_ns);

/* The end has come: the thread may go on until `deadline_ns`. */
void rts_delivery_ledger_stop(struct rts_delivery_ledger *ledger, uint64_t deadline_ns);

/* Waits for the thread to settle. False: it did not until then, and is given up. */
bool rts_delivery_ledger_await_settled(struct rts_delivery_ledger *ledger, uint64_t until_ns);

/* Waits for the thread to be gone; false: it is not. */
bool rts_delivery_ledger_await_exited(struct rts_delivery_ledger *ledger, uint64_t until_ns);

/* ---- for the thread ---- */

/* What the thread has to know of what others did, at one moment. */
struct rts_delivery_view {
    size_t in_memory, in_spool; /* batches that wait */
    unsigned failures;          /* requests that failed in a row */
    bool stop;
    uint64_t deadline_ns; /* once it is to stop: until when it may go on */
    bool abandoned;       /* it was given up: it must touch nothing any more */
};
struct rts_delivery_view rts_delivery_ledger_look(struct rts_delivery_ledger *ledger);

/* Waits until that time unless the end has come or, with `may_spool`, a batch waits in memory. */
void rts_delivery_ledger_wait_for_work(struct rts_delivery_ledger *ledger, bool may_spool,
                                       uint64_t until_ns);

/* The oldest batch in memory, which is the caller's until it is put back or moved; NULL: none. */
struct rts_batch *rts_delivery_ledger_take_first(struct rts_delivery_ledger *ledger);

/* Puts a batch into memory (again). */
void rts_delivery_ledger_put_back(struct rts_delivery_ledger *ledger, struct rts_batch *batch);

/* The oldest batch in memory that may be sent at `now` and is not `skip` (may be NULL), unless the
 * one in the spool (NULL: none) is older. What is sent is there from now on, in memory or in the
 * spool. */
struct rts_batch *rts_delivery_ledger_choose(struct rts_delivery_ledger *ledger, uint64_t now,
                                             const struct rts_batch_id *skip,
                                             const struct rts_batch_id *in_spool);

/* The batch of this id, if it is in memory, is not sent before that time. */
void rts_delivery_ledger_defer(struct rts_delivery_ledger *ledger, const struct rts_batch_id *id,
                               uint64_t until_ns);

/* No batch is being sent. */
void rts_delivery_ledger_set_idle(struct rts_delivery_ledger *ledger);

/* The same, for want of one that may be sent: what waits is put aside. */
void rts_delivery_ledger_set_put_aside(struct rts_delivery_ledger *ledger);

/* A batch is sent again. */
void rts_delivery_ledger_count_retry(struct rts_delivery_ledger *ledger);

/* The server has taken a batch. `subject_key`, NULL or what it said, is taken over. */
void rts_delivery_ledger_count_accepted(struct rts_delivery_ledger *ledger,
                                        const struct rts_batch *batch, char *subject_key);

/* The server has refused a batch. */
void rts_delivery_ledger_count_rejected(struct rts_delivery_ledger *ledger,
                                        const struct rts_batch *batch);

/* What was lost, and what is in the spool now (NULL: there is none). True when something is lost
 * for the first time. */
bool rts_delivery_ledger_count_loss(struct rts_delivery_ledger *ledger,
                                    const struct rts_spool_loss *loss,
                                    const struct rts_spool *spool);

/* A request has failed, or has not. */
void rts_delivery_ledger_failed(struct rts_delivery_ledger *ledger, const char *text,
                                bool needs_help);
void rts_delivery_ledger_succeeded(struct rts_delivery_ledger *ledger);

/* The thread holds no batch any more, and writes no file; then, it is gone. */
void rts_delivery_ledger_set_settled(struct rts_delivery_ledger *ledger);
void rts_delivery_ledger_set_exited(struct rts_delivery_ledger *ledger);

#endif
