/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose things take up what is shared, and who loses some when there is too much: nobody is to use
 * up what all need. An owner alone may have it all. When it is short, those lose that have more
 * than their fair share, which is the same for all who have something; root keeps half before
 * others get any of it, and loses last. Pure.
 *
 * Owners go by small numbers (process/owner.h). A zero-initialised ledger is empty.
 */
#ifndef RTS_UTIL_LEDGER_H
#define RTS_UTIL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those beyond are one: few machines have so many users at a time, and each costs memory. */
#define RTS_OWNERS_MAX  256
#define RTS_OWNER_ROOT  0
#define RTS_OWNER_OTHER (RTS_OWNERS_MAX - 1)

struct rts_ledger {
    size_t used[RTS_OWNERS_MAX];        /* bytes, or pieces, in use now */
    uint64_t evictions[RTS_OWNERS_MAX]; /* what was let go of */
    bool pressed[RTS_OWNERS_MAX];       /* lost some since others need it */
};

/* What was `before` large is `now` large. Accepts NULL for the ledger, as all of these. */
void rts_ledger_change(struct rts_ledger *ledger, unsigned owner, size_t before, size_t now);

/* Something of this owner was let go of. */
void rts_ledger_evict(struct rts_ledger *ledger, unsigned owner);

/* Whether it lost some since others need it. */
bool rts_ledger_is_pressed(const struct rts_ledger *ledger, unsigned owner);

/* What each owner is to lose. */
struct rts_losses {
    size_t of[RTS_OWNERS_MAX];
};

/* Divides the loss of `excess`, of which `total` may be used, and notes who is pressed. Without a
 * ledger all are root's. */
void rts_ledger_divide(struct rts_ledger *ledger, size_t total, size_t excess,
                       struct rts_losses *losses);

/* Whether this owner has to lose anything more; if so, `size` of it is lost. */
bool rts_losses_take(struct rts_losses *losses, unsigned owner, size_t size);

#endif
