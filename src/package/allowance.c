/* SPDX-License-Identifier: Apache-2.0 */
#include "package/allowance.h"

#include <string.h>

#define OWNER_PART 20
#define ALL_PART   10

bool rts_payer_same(const struct rts_payer *left, const struct rts_payer *right)
{
    return memcmp(left, right, sizeof *left) == 0;
}

static void fill(struct rts_purse *purse, uint64_t now_ns, int64_t most, unsigned part)
{
    if (purse->filled_ns == 0)
        purse->left_ns = most;
    else if (now_ns > purse->filled_ns)
        purse->left_ns += (int64_t)((now_ns - purse->filled_ns) / part);
    if (purse->left_ns > most)
        purse->left_ns = most;
    purse->filled_ns = now_ns;
}

static void fill_all(struct rts_allowance *allowance, uint64_t now_ns)
{
    if (!allowance->hurried)
        fill(&allowance->all, now_ns, RTS_ALLOWANCE_ALL_NS, ALL_PART);
}

void rts_allowance_hurry(struct rts_allowance *allowance)
{
    if (allowance->all.filled_ns == 0 || allowance->all.left_ns > RTS_ALLOWANCE_LAST_NS)
        allowance->all.left_ns = RTS_ALLOWANCE_LAST_NS;
    allowance->hurried = true;
}

/* The place of `payer`, made if need be: the one that was filled longest ago is the one whose owner
 * asked for nothing since. */
static size_t place_of(struct rts_allowance *allowance, const struct rts_payer *payer)
{
    size_t oldest = 0;
    for (size_t i = 0; i < allowance->count; i++) {
        if (rts_payer_same(&allowance->owners[i].payer, payer))
            return i;
        if (allowance->owners[i].purse.filled_ns < allowance->owners[oldest].purse.filled_ns)
            oldest = i;
    }
    size_t place = allowance->count < RTS_ALLOWANCE_OWNERS ? allowance->count++ : oldest;
    memset(&allowance->owners[place], 0, sizeof allowance->owners[place]);
    allowance->owners[place].payer = *payer;
    return place;
}

bool rts_allowance_is_left(struct rts_allowance *allowance, const struct rts_payer *payer,
                           uint64_t now_ns)
{
    if (payer->host)
        return true;
    struct rts_purse *purse = &allowance->owners[place_of(allowance, payer)].purse;
    fill(purse, now_ns, RTS_ALLOWANCE_OWNER_NS, OWNER_PART);
    fill_all(allowance, now_ns);
    return purse->left_ns > 0 && (allowance->apart || allowance->all.left_ns > 0);
}

bool rts_allowance_has(struct rts_allowance *allowance, const struct rts_payer *payer,
                       uint64_t now_ns, bool *first)
{
    *first = false;
    if (rts_allowance_is_left(allowance, payer, now_ns))
        return true;
    size_t place = place_of(allowance, payer);
    *first = !allowance->owners[place].refused;
    allowance->owners[place].refused = true;
    return false;
}

void rts_allowance_pay(struct rts_allowance *allowance, const struct rts_payer *payer,
                       uint64_t now_ns, uint64_t taken_ns)
{
    if (payer->host)
        return;
    struct rts_purse *purse = &allowance->owners[place_of(allowance, payer)].purse;
    fill(purse, now_ns, RTS_ALLOWANCE_OWNER_NS, OWNER_PART);
    fill_all(allowance, now_ns);
    purse->left_ns -= (int64_t)taken_ns;
    allowance->all.left_ns -= (int64_t)taken_ns;
}
