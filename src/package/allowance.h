/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long each owner of files may keep us from the samples: databases are read, digests computed
 * and lists made in the thread that samples. One whose time is used up waits until there is some
 * again, and nobody else does. Pure.
 */
#ifndef RTS_PACKAGE_ALLOWANCE_H
#define RTS_PACKAGE_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/clock.h"

/* An owner has 5 s at once and then a twentieth of the time; all of them together 15 s and a tenth:
 * a user of many ids is one of many owners. */
#define RTS_ALLOWANCE_OWNER_NS (5 * RTS_NS_PER_S)
#define RTS_ALLOWANCE_ALL_NS   (15 * RTS_NS_PER_S)

/* Owners that are remembered; those who have paid nothing for longest are forgotten first. */
#define RTS_ALLOWANCE_OWNERS 64

/* Whose files they are. Compared as bytes: no padding. */
struct rts_payer {
    uint64_t host;          /* 1: root's, in our own root directory: it pays nothing */
    uint64_t uid;           /* else this user's */
    uint64_t device, inode; /* of the root directory, where that is one of uid 0: containers have
                               nothing in common; else 0 */
};

struct rts_purse {
    int64_t left_ns; /* below 0: what was taken beyond it */
    uint64_t filled_ns;
};

struct rts_allowance {
    struct {
        struct rts_payer payer;
        struct rts_purse purse;
        bool refused; /* since it was told so */
    } owners[RTS_ALLOWANCE_OWNERS];
    size_t count;
    struct rts_purse all;
    bool hurried;
    bool apart; /* it is nobody's time but their own: there is no bound on all of them together */
};

bool rts_payer_same(const struct rts_payer *left, const struct rts_payer *right);

/* Has `payer` time left at `now_ns` (any clock)? */
bool rts_allowance_is_left(struct rts_allowance *allowance, const struct rts_payer *payer,
                           uint64_t now_ns);

/* The same. *first: it has none for the first time. */
bool rts_allowance_has(struct rts_allowance *allowance, const struct rts_payer *payer,
                       uint64_t now_ns, bool *first);

/* The run is about to end: from now on all together have no more than a second. */
#define RTS_ALLOWANCE_LAST_NS RTS_NS_PER_S
void rts_allowance_hurry(struct rts_allowance *allowance);

/* `payer` took that long, until `now_ns`. */
void rts_allowance_pay(struct rts_allowance *allowance, const struct rts_payer *payer,
                       uint64_t now_ns, uint64_t taken_ns);

#endif
