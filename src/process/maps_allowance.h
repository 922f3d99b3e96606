/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the processes' maps is read for each owner (process/owner.h): everybody waits while
 * that is done, and who has processes with many mappings can have them read again and again. One
 * who has used up what he has waits until there is some again. Pure.
 *
 * Zero-initialised, all have all of it.
 */
#ifndef RTS_PROCESS_MAPS_ALLOWANCE_H
#define RTS_PROCESS_MAPS_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/ledger.h"

/* A million lines take a second or two: an owner has so many at once, and then a twentieth of the
 * time, more or less. */
#define RTS_MAPS_ALLOWANCE_LINES   1048576
#define RTS_MAPS_ALLOWANCE_EACH_NS 20000
/* What opening and asking takes, in lines. */
#define RTS_MAPS_ALLOWANCE_PER_READ 64

struct rts_maps_allowance {
    uint64_t used[RTS_OWNERS_MAX]; /* lines */
    uint64_t paid_ns[RTS_OWNERS_MAX];
    uint64_t short_until_ns;          /* until then some owner may be short of it */
    uint64_t put_off[RTS_OWNERS_MAX]; /* readings that were not made, or not to the end */
};

/* Has the owner any left at `now_ns` (any clock)? If not, that is counted. */
bool rts_maps_allowance_has(struct rts_maps_allowance *allowance, unsigned owner, uint64_t now_ns);

/* So many lines were read for it. */
void rts_maps_allowance_pay(struct rts_maps_allowance *allowance, unsigned owner, uint64_t now_ns,
                            uint64_t lines);

/* May anybody have none left? Only then it matters whose a process is. */
bool rts_maps_allowance_is_short(const struct rts_maps_allowance *allowance, uint64_t now_ns);

#endif
