/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch as a file of a spool, which says by itself how it is sent. Pure.
 *
 * Name: sequence (16 hex digits), part (letters a and b, usually none), "-", the SHA-256 of the
 * body, ".batch". Content: lines, an empty line, the body.
 *
 *     rtsample-spool 1
 *     path: /signals/runtime-facts/ndjson      where it was meant to go
 *     query: callgraphId=cg-123&...            percent-encoded
 *     header: X-Callgraph-Id: cg-123           any number
 *     withheld: Authorization                  any number: a header that is not kept here
 *     content-type: application/x-ndjson       or application/json
 *     content-encoding: gzip                   only when it is
 *     idempotency-key: 1b4e28ba-...
 *     part-of: SHA-256                         only of a half: of the whole's body
 *     events: 1000
 *     body-bytes: 48213
 *     head-sha256: SHA-256                     of the lines above
 */
#ifndef RTS_DELIVERY_SPOOL_FILE_H
#define RTS_DELIVERY_SPOOL_FILE_H

#include <stddef.h>

#include "delivery/batch.h"
#include "util/buffer.h"
#include "util/error.h"

#define RTS_SPOOL_NAME_SIZE 128

/* The first lines of a file are far shorter; what has more is none. */
#define RTS_SPOOL_HEAD_MAX 65536

void rts_spool_file_name(const struct rts_batch_id *id, char name[RTS_SPOOL_NAME_SIZE]);

/* Returns 0, or -1 when it is not the name of a batch. */
int rts_spool_file_read_name(const char *name, struct rts_batch_id *id);

/* Appends all that comes before the body. */
void rts_spool_file_head(const struct rts_batch *batch, struct rts_buffer *out);

/* Makes a batch of a whole file with that name. Believes nothing: digests, lengths, the key and
 * every character that would get into a request are checked. NULL, with the reason, when something
 * is not right. */
struct rts_batch *rts_spool_file_read(const struct rts_batch_id *id, const char *bytes, size_t size,
                                      struct rts_error *error);

#endif
