/* SPDX-License-Identifier: Apache-2.0 */
#include "util/ledger.h"

#include <string.h>

static unsigned known(unsigned owner)
{
    return owner < RTS_OWNERS_MAX ? owner : RTS_OWNER_OTHER;
}

void rts_ledger_change(struct rts_ledger *ledger, unsigned owner, size_t before, size_t now)
{
    if (!ledger)
        return;
    size_t *used = &ledger->used[known(owner)];
    *used -= before < *used ? before : *used;
    *used += now;
}

void rts_ledger_evict(struct rts_ledger *ledger, unsigned owner)
{
    if (ledger)
        ledger->evictions[known(owner)]++;
}

bool rts_ledger_is_pressed(const struct rts_ledger *ledger, unsigned owner)
{
    return ledger && ledger->pressed[known(owner)];
}

/* What others than root have above `level`. */
static size_t above(const size_t *left, size_t level)
{
    size_t sum = 0;
    for (unsigned i = 1; i < RTS_OWNERS_MAX; i++)
        sum += left[i] > level ? left[i] - level : 0;
    return sum;
}

/* Takes `wanted` from those others who have most, down to one level that is not below `floor`.
 * Returns what could not be had. */
static size_t level_down(size_t *left, size_t floor, size_t wanted, struct rts_losses *losses)
{
    size_t low = floor, high = SIZE_MAX;
    if (above(left, floor) < wanted)
        high = floor;
    while (low < high) { /* the highest level that gives enough */
        size_t middle = low + (high - low) / 2 + 1;
        if (above(left, middle) >= wanted)
            low = middle;
        else
            high = middle - 1;
    }
    for (unsigned i = 1; i < RTS_OWNERS_MAX && wanted > 0; i++) {
        size_t lost = left[i] > low ? left[i] - low : 0;
        losses->of[i] += lost;
        left[i] -= lost;
        wanted -= lost < wanted ? lost : wanted;
    }
    return wanted;
}

static size_t take_from_root(size_t *left, size_t floor, size_t wanted, struct rts_losses *losses)
{
    size_t *root = &left[RTS_OWNER_ROOT], lost = *root > floor ? *root - floor : 0;
    lost = lost < wanted ? lost : wanted;
    losses->of[RTS_OWNER_ROOT] += lost;
    *root -= lost;
    return wanted - lost;
}

void rts_ledger_divide(struct rts_ledger *ledger, size_t total, size_t excess,
                       struct rts_losses *losses)
{
    size_t left[RTS_OWNERS_MAX], sharing = 0;
    memset(losses, 0, sizeof *losses);
    if (!ledger) {
        losses->of[RTS_OWNER_ROOT] = excess;
        return;
    }
    memcpy(left, ledger->used, sizeof left);
    for (unsigned i = 0; i < RTS_OWNERS_MAX; i++)
        sharing += left[i] > 0;
    if (excess == 0 || sharing == 0)
        return;
    size_t fair = total / sharing, of_root = fair > total / 2 ? fair : total / 2;
    size_t root = left[RTS_OWNER_ROOT] < of_root ? left[RTS_OWNER_ROOT] : of_root;
    size_t others = sharing - (left[RTS_OWNER_ROOT] > 0);
    if (others > 0)
        fair = (total - root) / others;
    size_t rest = level_down(left, fair, excess, losses);
    for (unsigned i = 1; i < RTS_OWNERS_MAX; i++)
        ledger->pressed[i] |= losses->of[i] > 0 && sharing > 1;
    rest = take_from_root(left, of_root, rest, losses);
    rest = level_down(left, 0, rest, losses);
    take_from_root(left, 0, rest, losses);
}

bool rts_losses_take(struct rts_losses *losses, unsigned owner, size_t size)
{
    size_t *loss = &losses->of[known(owner)];
    if (*loss == 0)
        return false;
    *loss -= size < *loss ? size : *loss;
    return true;
}
