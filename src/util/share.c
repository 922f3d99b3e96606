/* SPDX-License-Identifier: Apache-2.0 */
#include "util/share.h"

#define WORD  sizeof(size_t)
#define BLOCK (2 * WORD)
#define LEAST (2 * BLOCK)

size_t rts_heap_bytes(size_t size)
{
    size_t block = (size + WORD + BLOCK - 1) / BLOCK * BLOCK;
    return block < LEAST ? LEAST : block;
}

void rts_share_add(struct rts_share *share, size_t bytes)
{
    share->bytes += bytes;
    if (share->bytes > share->peak)
        share->peak = share->bytes;
}

void rts_share_take(struct rts_share *share, size_t bytes)
{
    share->bytes -= bytes < share->bytes ? bytes : share->bytes;
}

void rts_share_change(struct rts_share *share, size_t before, size_t now)
{
    if (now >= before)
        rts_share_add(share, now - before);
    else
        rts_share_take(share, before - now);
}

void rts_share_change_of(struct rts_share *share, unsigned owner, size_t before, size_t now)
{
    rts_share_change(share, before, now);
    rts_ledger_change(share->ledger, owner, before, now);
}

void rts_share_evict(struct rts_share *share, unsigned owner)
{
    share->evictions++;
    rts_ledger_evict(share->ledger, owner);
}

size_t rts_share_of_one(const struct rts_share *share, unsigned owner)
{
    bool pressed = share->limit > 0 && rts_ledger_is_pressed(share->ledger, owner);
    return pressed ? share->limit / 4 : SIZE_MAX;
}

bool rts_share_is_over(const struct rts_share *share)
{
    return share->limit > 0 && share->bytes > share->limit;
}

size_t rts_share_excess(const struct rts_share *share)
{
    return rts_share_is_over(share) ? share->bytes - (share->limit - share->limit / 8) : 0;
}
