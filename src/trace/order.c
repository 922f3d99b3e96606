/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/order.h"

#include <stdlib.h>

#include "util/memory.h"

static bool is_before(const struct rts_trace_item *a, const struct rts_trace_item *b)
{
    return a->time != b->time ? a->time < b->time : a->number < b->number;
}

void rts_trace_order_finish(struct rts_trace_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        rts_trace_chunk_unref(order->heap[i].chunk);
    free(order->heap);
    *order = (struct rts_trace_order){0};
}

/* The middle of what waits, by time: half of it becomes due. */
static void make_half_due(struct rts_trace_order *order)
{
    uint64_t oldest = order->heap[0].time;
    uint64_t middle = oldest + (order->newest - oldest) / 2;
    if (middle > order->safe)
        order->safe = middle;
}

void rts_trace_order_add(struct rts_trace_order *order, const struct rts_trace_item *item)
{
    order->heap = rts_grow(order->heap, order->count, &order->capacity, sizeof *order->heap);
    size_t at = order->count++;
    while (at > 0 && is_before(item, &order->heap[(at - 1) / 2])) {
        order->heap[at] = order->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    order->heap[at] = *item;
    if (item->chunk && item->chunk->waiting++ == 0)
        order->bytes += item->chunk->capacity;
    if (item->time > order->newest)
        order->newest = item->time;
    if (order->bytes > RTS_TRACE_WAITING_BYTES || order->count > RTS_TRACE_WAITING_MAX)
        make_half_due(order);
}

void rts_trace_order_end_round(struct rts_trace_order *order)
{
    /* What was the newest at the end of the last round has been waited for one round more. */
    if (order->round > order->safe)
        order->safe = order->round;
    order->round = order->newest;
}

static void sink(struct rts_trace_order *order, const struct rts_trace_item *item)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= order->count)
            break;
        if (child + 1 < order->count && is_before(&order->heap[child + 1], &order->heap[child]))
            child++;
        if (!is_before(&order->heap[child], item))
            break;
        order->heap[at] = order->heap[child];
        at = child;
    }
    order->heap[at] = *item;
}

bool rts_trace_order_take(struct rts_trace_order *order, bool all, struct rts_trace_item *item)
{
    if (order->count == 0 || (!all && order->heap[0].time > order->safe))
        return false;
    *item = order->heap[0];
    struct rts_trace_item last = order->heap[--order->count];
    if (order->count > 0)
        sink(order, &last);
    if (item->chunk && --item->chunk->waiting == 0)
        order->bytes -= item->chunk->capacity;
    if (item->time < order->passed)
        order->late++;
    else
        order->passed = item->time;
    return true;
}
