/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/rate_limit.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/memory.h"
#include "util/table.h"

/* Demand is measured, and shares are computed, once in such a time. */
#define SLOTS_PER_SECOND 16
#define SLOT_NS          (RTS_NS_PER_S / SLOTS_PER_SECOND)

/* A flow that was silent for a second asks for nothing; after four it is forgotten. */
#define SILENT_SLOTS (SLOTS_PER_SECOND)
#define FORGET_SLOTS (4 * SLOTS_PER_SECOND)

/* Processes told apart at a time; what is beyond shares one credit. 10,000 samples a second hit no
 * more different processes than this within a second. */
#define FLOWS_MAX 8192

/* Longer pauses than this are no different: every count is full again. Keeps sums and products in
 * 64 bits, whatever the times. */
#define PAUSE_MAX_NS (10 * RTS_NS_PER_S)

/* Demands and shares are in such parts of a sample per second; a token of the credit is therefore
 * this many times a token of the bucket. All integers: equal input gives equal choices on every
 * machine. */
#define PARTS        256
#define TOKEN        RTS_NS_PER_S
#define CREDIT_TOKEN (RTS_NS_PER_S * PARTS)

/* Rounds of pouring; each raises the share or is the last. Stopping early leaves it a little low.
 */
#define POUR_ROUNDS_MAX 32

#define UNLIMITED UINT64_MAX

struct flow {
    uint64_t instance;
    uint64_t demand;  /* parts of a sample per second */
    uint64_t arrived; /* samples in this slot */
    uint64_t credit;  /* in 1 / CREDIT_TOKEN */
    uint64_t credited_ns;
    uint32_t silent_slots;
    bool measured; /* its demand was part of the last share */
};

struct rts_rate_limit {
    uint64_t limit;
    uint64_t reserve; /* of the limit: what the greedy leave to the others */

    bool begun;
    uint64_t last_ns;  /* time of the newest sample */
    uint64_t clock_ns; /* the same, but never goes back */
    uint64_t slot;

    struct rts_table flows;
    struct flow strangers; /* all that found no room in flows */
    uint64_t share;        /* parts of a sample per second, or UNLIMITED */

    uint64_t bucket, bucket_max; /* in 1 / TOKEN */
    uint64_t bucket_ns;

    uint64_t *kept; /* times of the last `limit` kept samples, a ring */
    uint64_t kept_next, kept_count;
};

static bool same_instance(const void *item, const void *key)
{
    return ((const struct flow *)item)->instance == *(const uint64_t *)key;
}

struct rts_rate_limit *rts_rate_limit_create(uint32_t per_second)
{
    struct rts_rate_limit *limit = rts_calloc(1, sizeof *limit);
    limit->limit = per_second < RTS_RATE_LIMIT_MAX ? per_second : RTS_RATE_LIMIT_MAX;
    if (limit->limit == 0)
        return limit;
    limit->reserve = limit->limit / 16 + 2;
    if (limit->reserve > limit->limit / 2)
        limit->reserve = limit->limit / 2;
    limit->bucket_max = (limit->limit / 8 + 4) * TOKEN;
    limit->bucket = limit->bucket_max;
    limit->share = UNLIMITED;
    limit->kept = rts_calloc(limit->limit, sizeof *limit->kept);
    return limit;
}

void rts_rate_limit_destroy(struct rts_rate_limit *limit)
{
    if (!limit)
        return;
    size_t position = 0;
    for (void *flow; (flow = rts_table_next(&limit->flows, &position));)
        free(flow);
    rts_table_finish(&limit->flows);
    free(limit->kept);
    free(limit);
}

/* ---- shares ---- */

static void measure_flow(struct flow *flow, uint64_t slots)
{
    flow->silent_slots = flow->arrived ? 0 : flow->silent_slots;
    flow->silent_slots += (uint32_t)(slots - (flow->arrived ? 1 : 0));
    for (uint64_t i = 0; i < slots; i++) {
        flow->demand -= (flow->demand + SLOTS_PER_SECOND - 1) / SLOTS_PER_SECOND;
        flow->demand += flow->arrived * PARTS;
        flow->arrived = 0;
    }
    if (flow->silent_slots >= SILENT_SLOTS)
        flow->demand = 0;
    flow->measured = true;
}

/* What each process can have so that together they have `total`: those that want less leave their
 * part to the others. */
static uint64_t pour(const struct rts_rate_limit *limit, uint64_t total)
{
    uint64_t share = 0;
    for (int round = 0; round < POUR_ROUNDS_MAX; round++) {
        uint64_t modest = limit->strangers.demand <= share ? limit->strangers.demand : 0;
        uint64_t greedy = limit->strangers.demand > share;
        size_t position = 0;
        for (const struct flow *flow; (flow = rts_table_next(&limit->flows, &position));) {
            if (flow->demand > share)
                greedy++;
            else
                modest += flow->demand;
        }
        if (greedy == 0)
            break;
        uint64_t next = (total - modest) / greedy;
        if (next <= share)
            break;
        share = next;
    }
    return share;
}

static void next_slot(struct rts_rate_limit *limit, uint64_t slots)
{
    if (slots > FORGET_SLOTS)
        slots = FORGET_SLOTS;
    measure_flow(&limit->strangers, slots);
    uint64_t wanted = limit->strangers.demand;
    size_t position = 0;
    for (struct flow *flow; (flow = rts_table_next(&limit->flows, &position));) {
        measure_flow(flow, slots);
        wanted += flow->demand;
        if (flow->silent_slots >= FORGET_SLOTS) {
            uint64_t instance = flow->instance;
            free(rts_table_remove(&limit->flows, rts_hash_u64(instance), same_instance, &instance));
        }
    }
    /* What is measured wavers around the truth: shares are for when it is too much for sure. */
    bool too_much = wanted > (limit->limit + limit->limit / 16) * PARTS;
    limit->share = too_much ? pour(limit, (limit->limit - limit->reserve) * PARTS) : UNLIMITED;
}

static void advance(struct rts_rate_limit *limit, uint64_t time_ns)
{
    if (!limit->begun) {
        limit->begun = true;
        limit->last_ns = time_ns;
    } else if (time_ns > limit->last_ns) {
        uint64_t step = time_ns - limit->last_ns;
        limit->clock_ns += step < PAUSE_MAX_NS ? step : PAUSE_MAX_NS;
        limit->last_ns = time_ns;
    } else if (limit->last_ns - time_ns > RTS_NS_PER_S) {
        limit->last_ns = time_ns;
    }
    uint64_t slot = limit->clock_ns / SLOT_NS;
    if (slot > limit->slot)
        next_slot(limit, slot - limit->slot);
    limit->slot = slot;
}

/* ---- the three counts ---- */

/* Were fewer than `count` samples kept in the last second? `count` is 1 to the limit. */
static bool has_room(const struct rts_rate_limit *limit, uint64_t count)
{
    if (limit->kept_count < count)
        return true;
    uint64_t at = (limit->kept_next + limit->limit - count) % limit->limit;
    return limit->clock_ns - limit->kept[at] >= RTS_NS_PER_S;
}

static uint64_t since(const struct rts_rate_limit *limit, uint64_t then)
{
    uint64_t elapsed = limit->clock_ns - then;
    return elapsed < PAUSE_MAX_NS ? elapsed : PAUSE_MAX_NS;
}

static void fill_bucket(struct rts_rate_limit *limit)
{
    /* While the window is full nothing is saved up, or the burst that filled it would come again
     * every second. */
    if (has_room(limit, limit->limit))
        limit->bucket += since(limit, limit->bucket_ns) * limit->limit;
    if (limit->bucket > limit->bucket_max)
        limit->bucket = limit->bucket_max;
    limit->bucket_ns = limit->clock_ns;
}

static void fill_credit(const struct rts_rate_limit *limit, struct flow *flow)
{
    uint64_t most = CREDIT_TOKEN + limit->share * (RTS_NS_PER_S / 64);
    flow->credit += since(limit, flow->credited_ns) * limit->share;
    if (flow->credit > most)
        flow->credit = most;
    flow->credited_ns = limit->clock_ns;
}

static struct flow *find_or_add(struct rts_rate_limit *limit, uint64_t instance)
{
    uint64_t hash = rts_hash_u64(instance);
    struct flow *flow = rts_table_find(&limit->flows, hash, same_instance, &instance);
    if (flow)
        return flow;
    if (limit->flows.count == FLOWS_MAX)
        return &limit->strangers;
    flow = rts_calloc(1, sizeof *flow);
    *flow = (struct flow){
        .instance = instance,
        .credit = CREDIT_TOKEN,
        .credited_ns = limit->clock_ns,
    };
    rts_table_add(&limit->flows, hash, flow);
    return flow;
}

/* Whether the sample may pass, and if so, takes its tokens. */
static bool take_tokens(struct rts_rate_limit *limit, struct flow *flow)
{
    uint64_t leave = 0;             /* in the bucket */
    uint64_t window = limit->limit; /* how far it may be filled */
    fill_bucket(limit);
    if (limit->share != UNLIMITED) {
        fill_credit(limit, flow);
        if (flow->credit < CREDIT_TOKEN) {
            /* Beyond its share: only of what the others leave. */
            leave = limit->bucket_max / 2;
            window -= limit->reserve;
        } else if (!flow->measured) {
            /* Processes that come and go by the hundred must not push out those that stay. */
            leave = limit->bucket_max / 4;
            window -= limit->reserve / 4;
        }
    }
    if (limit->bucket < leave + TOKEN || !has_room(limit, window))
        return false;
    limit->bucket -= TOKEN;
    if (limit->share != UNLIMITED && flow->credit >= CREDIT_TOKEN)
        flow->credit -= CREDIT_TOKEN;
    return true;
}

bool rts_rate_limit_admit(struct rts_rate_limit *limit, uint64_t instance, uint64_t time_ns)
{
    if (limit->limit == 0)
        return true;
    advance(limit, time_ns);
    struct flow *flow = find_or_add(limit, instance);
    flow->arrived++;
    if (!take_tokens(limit, flow))
        return false;
    limit->kept[limit->kept_next] = limit->clock_ns;
    limit->kept_next = (limit->kept_next + 1) % limit->limit;
    if (limit->kept_count < limit->limit)
        limit->kept_count++;
    return true;
}
