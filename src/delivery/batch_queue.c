/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/batch_queue.h"

#include <string.h>

static uint64_t bytes_of(const struct rts_batch *batch)
{
    return batch->body.capacity + strlen(batch->envelope) + sizeof *batch;
}

void rts_batch_queue_put(struct rts_batch_queue *queue, struct rts_batch *batch)
{
    queue->count++;
    queue->bytes += bytes_of(batch);
    batch->next = NULL;
    if (!queue->first) {
        queue->first = queue->last = batch;
        return;
    }
    if (rts_batch_compare(&queue->last->id, &batch->id) < 0) {
        queue->last->next = batch;
        queue->last = batch;
        return;
    }
    struct rts_batch **at = &queue->first;
    while (*at && rts_batch_compare(&(*at)->id, &batch->id) < 0)
        at = &(*at)->next;
    batch->next = *at;
    *at = batch;
    if (!batch->next)
        queue->last = batch;
}

struct rts_batch *rts_batch_queue_peek(const struct rts_batch_queue *queue, uint64_t now_ns,
                                       const struct rts_batch_id *skip)
{
    for (struct rts_batch *batch = queue->first; batch; batch = batch->next)
        if (batch->deferred_until_ns <= now_ns &&
            !(skip && rts_batch_compare(&batch->id, skip) == 0))
            return batch;
    return NULL;
}

void rts_batch_queue_take(struct rts_batch_queue *queue, struct rts_batch *batch)
{
    struct rts_batch *before = NULL;
    for (struct rts_batch *at = queue->first; at != batch; at = at->next)
        before = at;
    if (before)
        before->next = batch->next;
    else
        queue->first = batch->next;
    if (queue->last == batch)
        queue->last = before;
    queue->count--;
    queue->bytes -= bytes_of(batch);
    batch->next = NULL;
}

struct rts_batch *rts_batch_queue_overflow(struct rts_batch_queue *queue, uint64_t bytes_max)
{
    if (queue->count < 2 || queue->bytes <= bytes_max)
        return NULL;
    struct rts_batch *oldest = queue->first;
    rts_batch_queue_take(queue, oldest);
    return oldest;
}

void rts_batch_queue_finish(struct rts_batch_queue *queue)
{
    for (struct rts_batch *next; queue->first; queue->first = next) {
        next = queue->first->next;
        rts_batch_destroy(queue->first);
    }
    *queue = (struct rts_batch_queue){0};
}
