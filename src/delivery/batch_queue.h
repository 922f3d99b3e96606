/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in memory, by id, within a bound of bytes. Pure; not for several threads at once. */
#ifndef RTS_DELIVERY_BATCH_QUEUE_H
#define RTS_DELIVERY_BATCH_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "delivery/batch.h"

struct rts_batch_queue {
    struct rts_batch *first, *last;
    size_t count;
    uint64_t bytes; /* of the bodies and what belongs to them */
};

/* Puts a batch, which becomes the queue's, into its place. */
void rts_batch_queue_put(struct rts_batch_queue *queue, struct rts_batch *batch);

/* The oldest that is not deferred beyond `now_ns` and does not have the id `skip` (may be NULL);
 * NULL when there is none. It stays in the queue. */
struct rts_batch *rts_batch_queue_peek(const struct rts_batch_queue *queue, uint64_t now_ns,
                                       const struct rts_batch_id *skip);

/* Takes one out that is in; it is the caller's then. */
void rts_batch_queue_take(struct rts_batch_queue *queue, struct rts_batch *batch);

/* Takes the oldest out when there is more than one and they have more than `bytes_max`; the
 * caller's then. NULL when they fit. */
struct rts_batch *rts_batch_queue_overflow(struct rts_batch_queue *queue, uint64_t bytes_max);

/* Destroys all that is in it. */
void rts_batch_queue_finish(struct rts_batch_queue *queue);

#endif
