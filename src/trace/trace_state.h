/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace holds while it is read; only trace*.c and own_records.c look inside. */
#ifndef RTS_TRACE_TRACE_STATE_H
#define RTS_TRACE_TRACE_STATE_H

#include "trace/file_header.h"
#include "trace/inflate.h"
#include "trace/input.h"
#include "trace/order.h"
#include "trace/trace.h"

struct rts_trace {
    char *name; /* owned; for messages */
    struct rts_trace_input input;
    struct rts_trace_file_header header;
    struct rts_trace_attrs attrs;
    struct rts_trace_features features;
    struct rts_trace_build_ids build_ids;
    struct rts_trace_inflate inflate;
    struct rts_trace_order order;
    struct rts_trace_chunk *current; /* holds the record that was passed on last */
    uint64_t number;                 /* of records so far */
    bool in_order;                   /* a trace of ours: its notes mean what lies around them */
    uint64_t compressed_at;          /* where the current compressed record lies */
    bool ended;
    struct rts_trace_loss loss;
};

/* A record that was read, at any address. */
struct rts_trace_raw {
    const uint8_t *bytes;
    struct perf_event_header header;
    struct rts_trace_chunk *chunk; /* holds the bytes; not referenced */
    uint64_t offset;
};

/* trace_loss.c: no more can be read: says why, and what is left behind, from `offset` on. */
void rts_trace_stop(struct rts_trace *trace, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* own_records.c: takes in a record of perf's own types, with the data behind it. Those that are of
 * no use here are passed by. */
void rts_trace_take_own(struct rts_trace *trace, const struct rts_trace_raw *raw);

#endif
