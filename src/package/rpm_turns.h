/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose database of rpm is listed next. Each owner has few at a time, and so much time; one whose
 * database was late waits with all that he has, longer each time. Nobody else does. Pure: times are
 * handed in.
 */
#ifndef RTS_PACKAGE_RPM_TURNS_H
#define RTS_PACKAGE_RPM_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "package/allowance.h"

/* Lists that are made for others than the host at the same time, and for one of them: most take
 * less than a second, and those that take longer leave places to the others. */
#define RTS_RPM_TURNS       6
#define RTS_RPM_TURNS_OWNER 3

/* Owners that were late and are remembered; the one whose time is over for longest goes first. */
#define RTS_RPM_LATE_OWNERS 256

struct rts_rpm_turns {
    struct {
        struct rts_payer payer;
        uint64_t pause_ns, until_ns;
    } late[RTS_RPM_LATE_OWNERS];
    size_t late_count;
    struct rts_payer running[RTS_RPM_TURNS];
    size_t count;
    struct rts_allowance allowance; /* of the time that lists take */
};

/* May a list be made for `payer` at `now_ns`? */
bool rts_rpm_turns_may(struct rts_rpm_turns *turns, const struct rts_payer *payer, uint64_t now_ns);

/* Has he to wait, for a while that nobody else can shorten? */
bool rts_rpm_turns_pauses(const struct rts_rpm_turns *turns, const struct rts_payer *payer,
                          uint64_t now_ns);

/* One begins, which may; it has ended, after `taken_ns`. */
void rts_rpm_turns_begin(struct rts_rpm_turns *turns, const struct rts_payer *payer);
void rts_rpm_turns_end(struct rts_rpm_turns *turns, const struct rts_payer *payer, uint64_t now_ns,
                       uint64_t taken_ns);

/* His database was late. Returns how long he waits now: 15 s, twice as long each time, an hour at
 * most. */
uint64_t rts_rpm_turns_late(struct rts_rpm_turns *turns, const struct rts_payer *payer,
                            uint64_t now_ns);

#endif
