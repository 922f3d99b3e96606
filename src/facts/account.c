/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/account.h"

#include <stdbool.h>
#include <string.h>

#include "util/clock.h"

/* One tick of the slowest kernel (CONFIG_HZ=100). */
#define THROTTLE_NS_MAX 10000000ULL

uint64_t rts_account_taken(const struct rts_account *account)
{
    uint64_t taken = account->samples_kept;
    for (size_t i = 0; i < RTS_DROP_COUNT; i++)
        taken += account->dropped[i];
    return taken;
}

uint64_t *rts_account_counter(struct rts_account *account, const char *name)
{
    static const char dropped[] = "dropped.";
    const struct {
        const char *name;
        uint64_t *counter;
    } others[] = {
        {"no_user_side", &account->no_user_side},
        {"own", &account->own},
        {"other", &account->other},
        {"lost_records", &account->lost_records},
        {"malformed_side_band", &account->malformed_side_band},
        {"unwatched", &account->unwatched},
        {"copied.same", &account->copied_same},
        {"copied.different", &account->copied_different},
        {"unseen_processes", &account->unseen_processes},
        {"unseen_threads", &account->unseen_threads},
    };
    if (strncmp(name, dropped, sizeof dropped - 1) == 0)
        for (unsigned i = 0; i < RTS_DROP_COUNT; i++)
            if (strcmp(name + sizeof dropped - 1, rts_drop_name(i)) == 0)
                return &account->dropped[i];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i].name) == 0)
            return others[i].counter;
    return NULL;
}

void rts_account_throttled(struct rts_account *account, uint64_t since, uint64_t until,
                           uint32_t frequency)
{
    uint64_t elapsed = until > since ? until - since : 0;
    if (elapsed > THROTTLE_NS_MAX)
        elapsed = THROTTLE_NS_MAX;
    account->dropped[RTS_DROP_THROTTLED] += elapsed * frequency / RTS_NS_PER_S;
}

uint64_t rts_account_delivered(const struct rts_account *account)
{
    const struct rts_delivery_account *delivery = &account->delivery;
    return delivery->accepted + delivery->spooled + delivery->rejected + delivery->dropped;
}

uint64_t rts_account_unjoined(const struct rts_account *account)
{
    uint64_t unjoined = 0;
    for (unsigned i = 0; i < RTS_JOIN_COUNT; i++)
        unjoined += i == RTS_JOIN_JOINED ? 0 : account->joins[i];
    return unjoined;
}

static bool is_hotter(const struct rts_unjoined *a, const struct rts_unjoined *b)
{
    if (a->hits != b->hits)
        return a->hits > b->hits;
    int order = strcmp(a->symbol, b->symbol);
    return order ? order < 0 : strcmp(a->build_id, b->build_id) < 0;
}

void rts_run_facts_add_unjoined(struct rts_run_facts *run, const struct rts_unjoined *symbol)
{
    size_t at = run->unjoined_count;
    while (at > 0 && is_hotter(symbol, &run->unjoined[at - 1]))
        at--;
    if (at == RTS_UNJOINED_MAX)
        return;
    if (run->unjoined_count < RTS_UNJOINED_MAX)
        run->unjoined_count++;
    memmove(&run->unjoined[at + 1], &run->unjoined[at],
            (run->unjoined_count - 1 - at) * sizeof *run->unjoined);
    run->unjoined[at] = *symbol;
}

double rts_stop_times_rate(const struct rts_stop_times *stopped)
{
    return stopped->used_ns ? (double)stopped->samples * 1e9 / (double)stopped->used_ns : 0;
}
