/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trace: a perf.data file, or what `perf record -o -` writes to a pipe, of this machine's
 * byte order. Yields the records of the kernel's types in order of time; those of a trace of ours
 * as they lie in it, with its notes (trace/note.h). Nothing in the bytes is trusted: what is
 * damaged ends the reading with a stated loss.
 *
 * Memory: a file costs an entry for each record that waits for its turn, and is read again then;
 * what comes from a pipe or is compressed is held itself (RTS_TRACE_WAITING_BYTES at most,
 * trace/order.h).
 */
#ifndef RTS_TRACE_TRACE_H
#define RTS_TRACE_TRACE_H

#include "capture/record.h"
#include "trace/attrs.h"
#include "trace/build_ids.h"
#include "trace/features.h"
#include "util/error.h"

struct rts_trace;

struct rts_trace_options {
    /* Called before a pipe is read, to wait for it; false: no more is wanted. May be NULL. */
    bool (*wait)(void *context, int fd);
    void *context;
};

/* One record; it and what it points to are valid until the next call. */
struct rts_trace_record {
    struct rts_record record;
    bool malformed; /* its sizes contradict each other: only its kind is known */
    const struct rts_trace_event *event;
    const struct perf_event_header *header;
    uint64_t offset; /* in the trace; of the compressed record that it came in, if there is one */
};

/* What was not read. */
struct rts_trace_loss {
    char reason[160];     /* empty: all was read */
    uint64_t offset;      /* where reading ended */
    uint64_t bytes;       /* left behind it, as far as that is known */
    uint64_t late;        /* records that came too late to be put in order */
    uint64_t unknown_ids; /* samples of events that the trace does not describe */
    bool all;             /* not one record was read before that */
};

/* Opens a trace and reads its header; "-": standard input; of a folder that perf made, the trace in
 * it. Messages begin with what it is called. Fails with RTS_NOT_FOUND when there is
 * no such file. */
struct rts_trace *rts_trace_open(const char *path, const struct rts_trace_options *options,
                                 struct rts_error *error);

/* The same for a regular file that is open, which messages call `name`. Takes the fd over, also
 * when it fails. */
struct rts_trace *rts_trace_open_fd(int fd, const char *name, struct rts_error *error);

/* What it is called in messages: its path, or "standard input". */
const char *rts_trace_name(const struct rts_trace *trace);

/* Accepts NULL. */
void rts_trace_close(struct rts_trace *trace);

/* The next record: true, or false at the end, or where no more can be read. */
bool rts_trace_next(struct rts_trace *trace, struct rts_trace_record *record);

/* What is known so far; of a pipe, events and build-ids come as it is read. Owned by the trace. */
const struct rts_trace_attrs *rts_trace_attrs(const struct rts_trace *trace);
const struct rts_trace_features *rts_trace_features(const struct rts_trace *trace);
const struct rts_trace_build_ids *rts_trace_build_ids(const struct rts_trace *trace);
void rts_trace_loss(const struct rts_trace *trace, struct rts_trace_loss *loss);

/* Bytes of the whole trace; of a pipe those that came so far. */
uint64_t rts_trace_size(const struct rts_trace *trace);

#endif
