/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/complaints.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

#define REPEAT_NS (600 * RTS_NS_PER_S) /* the same complaint is repeated after this */
#define SAID_MAX  20                   /* of what differs, in that time */

/* What a server says may differ each time. */
static bool may_say(struct rts_complaints *complaints, const char *origin, uint64_t now)
{
    if (now - complaints->since_ns >= REPEAT_NS) {
        complaints->since_ns = now;
        complaints->count = 0;
    }
    if (complaints->count++ == SAID_MAX)
        rts_log("%s: its other answers are not reported for ten minutes", origin);
    return complaints->count <= SAID_MAX;
}

void rts_complaints_say(struct rts_complaints *complaints, const char *origin, const char *what,
                        const char *text)
{
    uint64_t now = rts_clock_monotonic_ns();
    if (strcmp(complaints->last, text) == 0 && now - complaints->last_ns < REPEAT_NS)
        return;
    snprintf(complaints->last, sizeof complaints->last, "%s", text);
    complaints->last_ns = now;
    if (may_say(complaints, origin, now))
        rts_log("%s %s: %s", origin, what, text);
}

void rts_complaints_end(struct rts_complaints *complaints, const char *origin)
{
    if (!complaints->last[0])
        return;
    if (may_say(complaints, origin, rts_clock_monotonic_ns()))
        rts_log("%s takes facts again", origin);
    complaints->last[0] = '\0';
}
