/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where batches of finished bytes go: a file or stdout. A batch is written whole or not at all:
 * when a regular file cannot take it (disk full), the file is cut back to its last whole line, the
 * bytes are kept and tried again with the next batch and at the end. Where nothing can be cut back
 * (a pipe, a device, a file that others append to as well), what is left of the batch is kept and
 * follows later. A reader that takes no data is waited for, one second at most and only once until
 * it takes some again; rts_sink_close() alone waits as long as it takes, or until a signal handler
 * runs, unless the descriptor is non-blocking. The program must ignore SIGPIPE and SIGXFSZ.
 */
#ifndef RTS_DELIVERY_SINK_H
#define RTS_DELIVERY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Bytes that wait for a full disk. A batch that would go beyond this is refused, and counted; only
 * a first one, when nothing waits, may be larger. */
#define RTS_SINK_PENDING_MAX (64u << 20)

struct rts_sink;

/* Opens `path` for writing: created 0600 if new, truncated; "-" is stdout. What is written goes to
 * the end of the file, also after somebody else has truncated it (logrotate's copytruncate). NULL
 * on failure; never waits: error->number is ENXIO for a FIFO that has no reader yet. */
struct rts_sink *rts_sink_open(const char *path, struct rts_error *error);

/* Hands over one batch of `lines` whole lines; what cannot be written at once is kept. Returns 0
 * when all that was waiting is written, 1 when some waits (*error says why; try again by a later
 * call, with size 0 if there is nothing new), -1 when the sink can never take anything again
 * (closed pipe). */
int rts_sink_write(struct rts_sink *sink, const void *bytes, size_t size, uint64_t lines,
                   struct rts_error *error);

/* Lines that were handed over and are not written: waiting, or refused for good. */
uint64_t rts_sink_unwritten(const struct rts_sink *sink);

/* Tries a last time, closes and frees. Returns 0 when every line was written (and the close
 * succeeded), -1 with the error otherwise; *unwritten (may be NULL) is what was lost. Accepts
 * NULL. */
int rts_sink_close(struct rts_sink *sink, uint64_t *unwritten, struct rts_error *error);

#endif
