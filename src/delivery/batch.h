/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: some whole lines of one flush, made into the bytes of one request, once. The bytes are
 * then sent, spooled and sent again; they are never made anew. Pure.
 *
 * The body is the lines themselves (NDJSON), or the structured form with one event on each line,
 * so that its lines can be found again:
 *
 *     {"subject":{...},"callgraphId":"...","events":[
 *     LINE,
 *     LINE
 *     ]}
 *
 * gzip'ed when it is larger than RTS_BATCH_PLAIN_MAX.
 */
#ifndef RTS_DELIVERY_BATCH_H
#define RTS_DELIVERY_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/error.h"
#include "util/sha256.h"

#define RTS_BATCH_PLAIN_MAX 65536

/* A batch is cut before its lines have more bytes than this, however few they are; a single line
 * may be longer. Servers limit the size of a request (30,000,000 bytes is a common limit). */
#define RTS_BATCH_LINES_MAX (4u << 20)

/* What the lines of a body may decompress to, when it was read from a file. */
#define RTS_BATCH_CONTENT_MAX (64u << 20)

#define RTS_BATCH_KEY_SIZE 37 /* a UUID as text, and the NUL */

/* How often a batch can be halved: the length of `part`. */
#define RTS_BATCH_PART_MAX  20
#define RTS_BATCH_PART_SIZE (RTS_BATCH_PART_MAX + 1)

/* What names a batch: together unique, and the order in which batches are sent. */
struct rts_batch_id {
    uint64_t sequence;
    char part[RTS_BATCH_PART_SIZE];  /* "" as cut; "a" and "b" its halves, "aa" a half of that... */
    uint8_t digest[RTS_SHA256_SIZE]; /* SHA-256 of the body */
};

struct rts_batch {
    struct rts_batch_id id;
    uint8_t parent[RTS_SHA256_SIZE]; /* a half: the digest of the whole */
    char key[RTS_BATCH_KEY_SIZE];    /* Idempotency-Key, from `id`: a retry repeats it */
    uint32_t events;
    const char *content_type; /* static; NULL: that of facts in this form */
    bool structured;
    bool gzip;
    char *envelope; /* see endpoint.h */
    struct rts_buffer body;

    /* For the holder of the batch. */
    struct rts_batch *next;
    bool earlier; /* made by an earlier run */
    unsigned attempts;
    uint64_t deferred_until_ns;
};

struct rts_batch_form {
    const char *envelope;
    const char *structured_head; /* NULL: NDJSON */
};

/*
 * Makes a batch of the first lines at `lines`: at most `events_max` of them, and moves *position
 * behind them. Empty lines are passed over; the last line may lack its newline. NULL when no line
 * is left, and only then.
 */
struct rts_batch *rts_batch_cut(const struct rts_batch_form *form, const char *lines, size_t size,
                                size_t *position, uint32_t events_max, uint64_t sequence);

/* Makes the two halves of a batch, in order; always the same. Fails when it has a single event, was
 * halved too often or is not as we make them. */
int rts_batch_split(const struct rts_batch *batch, struct rts_batch *halves[2],
                    struct rts_error *error);

/* The UUID (version 8, RFC 9562) for an id. */
void rts_batch_key(const struct rts_batch_id *id, char key[RTS_BATCH_KEY_SIZE]);

/* <0, 0, >0: the order in which batches are sent. */
int rts_batch_compare(const struct rts_batch_id *a, const struct rts_batch_id *b);

/* Accepts NULL. */
void rts_batch_destroy(struct rts_batch *batch);

#endif
