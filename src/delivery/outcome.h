/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a batch whose request has ended, and when the next request may begin. Pure: time
 * and chance are arguments. */
#ifndef RTS_DELIVERY_OUTCOME_H
#define RTS_DELIVERY_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/answer.h"
#include "delivery/upload.h"

enum rts_fate {
    RTS_FATE_ACCEPT, /* delivered: it is done with */
    RTS_FATE_REJECT, /* refused: it is never sent again */
    RTS_FATE_HALVE,  /* its halves take its place; REJECT when it has none */
    RTS_FATE_KEEP,   /* the same batch is sent again after the pause */
};

/* The request that has ended, as things stood before it. */
struct rts_flight {
    unsigned attempts; /* that failed, of this batch */
    unsigned failures; /* requests that failed in a row, of whichever batch */
    bool probing;      /* sent to see whether others pass while one batch fails */
};

/* How long the pauses are. */
struct rts_patience {
    uint32_t first_ms, max_ms; /* the first one after a failure, which doubles, and its end */
    bool eager;                /* none after anything else */
};

struct rts_outcome {
    enum rts_fate fate;
    uint64_t pause_ns; /* before the next request */
    /* With KEEP: */
    bool needs_help;    /* somebody has to act */
    bool asked_to_wait; /* the pause is not to be cut short */
    bool is_suspect; /* it failed so often while the server was there: is it the reason itself? */
};

/* The server's answer, or, where none came, one that says why. To be finished. */
void rts_outcome_answer(struct rts_answer *answer, const struct rts_upload_result *result);

/* What follows from it. `seed` as for rts_backoff_ms(). */
struct rts_outcome rts_outcome_of(const struct rts_flight *flight, const struct rts_answer *answer,
                                  const struct rts_upload_result *result,
                                  const struct rts_patience *patience, uint64_t *seed);

#endif
