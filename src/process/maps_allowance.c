/* SPDX-License-Identifier: Apache-2.0 */
#include "process/maps_allowance.h"

static unsigned known(unsigned owner)
{
    return owner < RTS_OWNERS_MAX ? owner : RTS_OWNER_OTHER;
}

/* What the time has given back. */
static uint64_t used_at(const struct rts_maps_allowance *allowance, unsigned owner, uint64_t now_ns)
{
    uint64_t paid = allowance->paid_ns[owner], used = allowance->used[owner];
    uint64_t given = now_ns > paid ? (now_ns - paid) / RTS_MAPS_ALLOWANCE_EACH_NS : 0;
    return used > given ? used - given : 0;
}

bool rts_maps_allowance_has(struct rts_maps_allowance *allowance, unsigned owner, uint64_t now_ns)
{
    owner = known(owner);
    if (used_at(allowance, owner, now_ns) < RTS_MAPS_ALLOWANCE_LINES)
        return true;
    allowance->put_off[owner]++;
    return false;
}

void rts_maps_allowance_pay(struct rts_maps_allowance *allowance, unsigned owner, uint64_t now_ns,
                            uint64_t lines)
{
    owner = known(owner);
    uint64_t used = used_at(allowance, owner, now_ns) + lines + RTS_MAPS_ALLOWANCE_PER_READ;
    allowance->used[owner] = used;
    allowance->paid_ns[owner] = now_ns;
    if (used < RTS_MAPS_ALLOWANCE_LINES)
        return;
    uint64_t until = now_ns + (used - RTS_MAPS_ALLOWANCE_LINES + 1) * RTS_MAPS_ALLOWANCE_EACH_NS;
    if (until > allowance->short_until_ns)
        allowance->short_until_ns = until;
}

bool rts_maps_allowance_is_short(const struct rts_maps_allowance *allowance, uint64_t now_ns)
{
    return now_ns < allowance->short_until_ns;
}
