/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a server on standard error, by one thread: not the same again and again, and
 * of what differs each time not too much. */
#ifndef RTS_DELIVERY_COMPLAINTS_H
#define RTS_DELIVERY_COMPLAINTS_H

#include <stdint.h>

/* Zero-initialise. */
struct rts_complaints {
    char last[400]; /* "": the server has given no reason, or takes facts again */
    uint64_t last_ns;
    uint64_t since_ns; /* since when `count` counts */
    unsigned count;
};

/* Says "ORIGIN WHAT: TEXT", unless the same was just said, or much else. */
void rts_complaints_say(struct rts_complaints *complaints, const char *origin, const char *what,
                        const char *text);

/* Says that the server takes facts again, when the contrary was said. */
void rts_complaints_end(struct rts_complaints *complaints, const char *origin);

#endif
