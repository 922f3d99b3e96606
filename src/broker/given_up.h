/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made us wait: processes that were given up, and the users they were of. One user who does it
 * again and again is not asked about for a while, with all processes: each time costs everybody the
 * wait. Pure: times are handed in.
 */
#ifndef RTS_BROKER_GIVEN_UP_H
#define RTS_BROKER_GIVEN_UP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/table.h"

struct rts_given_up {
    struct rts_table processes, owners;
    uint64_t late;     /* how often anybody was */
    uint64_t until_ns; /* no owner is given up from then on */
};

/* Frees all. */
void rts_given_up_finish(struct rts_given_up *given);

/* Process `pid` of `owner` was late at `now`; `owner` is NULL where it is not known. Returns true
 * when the owner is given up for a while with that. */
bool rts_given_up_add(struct rts_given_up *given, int32_t pid, const uint32_t *owner, uint64_t now);

/* `pid` is that of another process from now on. */
void rts_given_up_forget(struct rts_given_up *given, int32_t pid);

/* Was process `pid` given up? */
bool rts_given_up_has(const struct rts_given_up *given, int32_t pid);

/* Is anybody given up as an owner at `now`? Is this one? Root never is: all that belongs to the
 * system would be. */
bool rts_given_up_has_owners(const struct rts_given_up *given, uint64_t now);
bool rts_given_up_owner(const struct rts_given_up *given, uint32_t owner, uint64_t now);

/* Answers about processes of `owner` that came in time took `waited_ns`, until `now`. Has it used
 * up what it may keep us waiting, all together? That is so much at once, and then a part of the
 * time. Root has no end to it. */
bool rts_given_up_pay(struct rts_given_up *given, uint32_t owner, uint64_t now, uint64_t waited_ns);

/* How long a process is waited for, in ns: less once many were late. */
uint64_t rts_given_up_patience(const struct rts_given_up *given);

#endif
