/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished lines to a Signals server, by a thread of its own, so that nobody who hands lines over
 * ever waits for a server. With a spool, a batch is on the disk before it is sent, and is removed
 * when the server has said 202; without one, batches wait in memory, and the oldest are given up
 * when there are too many.
 *
 * Oldest first, one at a time. After a failure: a pause that grows, or the one that the server asks
 * for. After an outage what has piled up goes out with as long a pause after each request as the
 * request took. A batch that alone fails while others pass is put aside for a while.
 *
 * Without an endpoint none of this exists: no socket, no thread, no directory.
 */
#ifndef RTS_DELIVERY_DELIVERY_H
#define RTS_DELIVERY_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/delivery_counts.h"
#include "delivery/endpoint.h"
#include "delivery/spool.h"
#include "delivery/upload.h"
#include "util/error.h"

/* Bodies in memory, not in the spool: all of them without one, with one those that a full disk does
 * not take. A single batch may be larger. */
#define RTS_DELIVERY_MEMORY_MAX (8u << 20)

#define RTS_DELIVERY_BATCH_DEFAULT 1000

/* Borrowed for the time of rts_delivery_create(); zero is the default everywhere but in `egress`.
 */
struct rts_delivery_options {
    struct rts_endpoint_options endpoint;
    struct rts_upload_options upload;
    struct rts_spool_options spool; /* directory NULL: no spool */
    bool egress;                    /* false: into the spool only, which then must be given */
    uint32_t batch_events_max;
    uint64_t first_sequence; /* 0: from clock and chance, so that no two runs have the same ids. A
                              * fixed one gives the same lines the same keys again. Raised above
                              * what the spool has */
    bool eager;              /* no pauses after successes */
    bool greet;              /* connect once at the start, and say when that fails */
    uint32_t retry_first_ms; /* the pause after a failure, which doubles; 0: RTS_BACKOFF_FIRST_MS */
    uint32_t retry_max_ms;   /* its end, and the pause after an answer that somebody has to act on;
                              * 0: RTS_BACKOFF_LONGEST_MS */
};

struct rts_delivery;

/* RTS_USAGE when the options are wrong; otherwise the spool cannot be used or is in use. Starts the
 * thread, with all signals blocked in it. */
struct rts_delivery *rts_delivery_create(const struct rts_delivery_options *options,
                                         struct rts_error *error);

/* Hands over the lines of one flush, already sorted; they are cut into batches here. Never waits.
 * Returns the number of batches; 0 when there is no line. */
size_t rts_delivery_submit(struct rts_delivery *delivery, const char *lines, size_t size);

/* What is true now. */
void rts_delivery_counts(struct rts_delivery *delivery, struct rts_delivery_counts *counts);
void rts_delivery_state(struct rts_delivery *delivery, struct rts_delivery_state *state);

/* Waits until the state changes, or `timeout_ms` pass. */
void rts_delivery_wait(struct rts_delivery *delivery, uint64_t timeout_ms);

/* What the server called the subject of the last accepted batch; NULL when it said nothing yet. To
 * be freed. */
char *rts_delivery_subject_key(struct rts_delivery *delivery);

/*
 * Ends within `patience_ms` whatever is under way, and frees. Until shortly before, it goes on
 * sending; what is not delivered then is in the spool, or dropped. *counts (may be NULL) is final.
 * Returns 0 when nothing that was submitted is undelivered, and -1, RTS_UNDELIVERED, when something
 * is spooled, rejected or dropped: the text says how much is where. Accepts NULL.
 */
int rts_delivery_finish(struct rts_delivery *delivery, uint64_t patience_ms,
                        struct rts_delivery_counts *counts, struct rts_error *error);

#endif
