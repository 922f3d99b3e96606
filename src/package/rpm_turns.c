/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_turns.h"

#include <string.h>

#include "util/clock.h"

#define PAUSE_NS     (15 * RTS_NS_PER_S)
#define PAUSE_NS_MAX (3600 * RTS_NS_PER_S)

bool rts_rpm_turns_pauses(const struct rts_rpm_turns *turns, const struct rts_payer *payer,
                          uint64_t now_ns)
{
    for (size_t i = 0; i < turns->late_count; i++)
        if (rts_payer_same(&turns->late[i].payer, payer))
            return now_ns < turns->late[i].until_ns;
    return false;
}

bool rts_rpm_turns_may(struct rts_rpm_turns *turns, const struct rts_payer *payer, uint64_t now_ns)
{
    turns->allowance.apart = true;
    if (rts_rpm_turns_pauses(turns, payer, now_ns))
        return false;
    if (payer->host)
        return true;
    size_t his = 0;
    for (size_t i = 0; i < turns->count; i++)
        his += rts_payer_same(&turns->running[i], payer);
    return turns->count < RTS_RPM_TURNS && his < RTS_RPM_TURNS_OWNER &&
           rts_allowance_is_left(&turns->allowance, payer, now_ns);
}

void rts_rpm_turns_begin(struct rts_rpm_turns *turns, const struct rts_payer *payer)
{
    if (!payer->host && turns->count < RTS_RPM_TURNS)
        turns->running[turns->count++] = *payer;
}

void rts_rpm_turns_end(struct rts_rpm_turns *turns, const struct rts_payer *payer, uint64_t now_ns,
                       uint64_t taken_ns)
{
    rts_allowance_pay(&turns->allowance, payer, now_ns, taken_ns);
    for (size_t i = 0; i < turns->count; i++) {
        if (!rts_payer_same(&turns->running[i], payer))
            continue;
        turns->running[i] = turns->running[--turns->count];
        return;
    }
}

/* His place, made if need be. */
static size_t place_of(struct rts_rpm_turns *turns, const struct rts_payer *payer)
{
    size_t oldest = 0;
    for (size_t i = 0; i < turns->late_count; i++) {
        if (rts_payer_same(&turns->late[i].payer, payer))
            return i;
        if (turns->late[i].until_ns < turns->late[oldest].until_ns)
            oldest = i;
    }
    size_t place = turns->late_count < RTS_RPM_LATE_OWNERS ? turns->late_count++ : oldest;
    memset(&turns->late[place], 0, sizeof turns->late[place]);
    turns->late[place].payer = *payer;
    turns->late[place].pause_ns = PAUSE_NS;
    return place;
}

uint64_t rts_rpm_turns_late(struct rts_rpm_turns *turns, const struct rts_payer *payer,
                            uint64_t now_ns)
{
    size_t place = place_of(turns, payer);
    uint64_t pause = turns->late[place].pause_ns;
    turns->late[place].until_ns = now_ns + pause;
    turns->late[place].pause_ns = 2 * pause < PAUSE_NS_MAX ? 2 * pause : PAUSE_NS_MAX;
    return pause;
}
