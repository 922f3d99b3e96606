/* SPDX-License-Identifier: Apache-2.0 */
/* The events that a trace has records of: how each lays out its records, and which ids mean it. */
#ifndef RTS_TRACE_ATTRS_H
#define RTS_TRACE_ATTRS_H

#include "capture/record.h"
#include "util/error.h"

/* perf itself opens a few hundred at most (tracepoints by wildcard). */
#define RTS_TRACE_EVENTS_MAX 4096

/* Ids: events times CPUs, or times threads. */
#define RTS_TRACE_IDS_MAX (1u << 20)

struct rts_trace_event {
    struct rts_record_layout layout;
    uint32_t type; /* PERF_TYPE_* */
    uint64_t config;
    uint32_t frequency; /* Hz; 0: by period */
    uint64_t period;    /* 0: by frequency */
    uint32_t stack_bytes;
    bool has_clock_id; /* times are on clock_id; else on the kernel's own clock */
    int32_t clock_id;
    bool wants_build_ids; /* in MMAP2 records, in place of device and inode */
    bool counts_losses;   /* the losses of this event are also told by LOST_SAMPLES records */
    char *name;           /* owned; NULL: the trace does not say */
};

struct rts_trace_id {
    uint64_t id;
    uint32_t event; /* its index */
};

struct rts_trace_attrs {
    struct rts_trace_event *events;
    size_t count, capacity;
    size_t build_id_count;    /* events that want build-ids */
    struct rts_trace_id *ids; /* sorted by id up to `sorted` */
    size_t id_count, id_capacity;
    bool sorted;
};

void rts_trace_attrs_finish(struct rts_trace_attrs *attrs);

/* Adds the event that `size` bytes of a struct perf_event_attr describe; kernels and perf append to
 * it, so it may be shorter or longer than ours. Its index goes to *event. */
int rts_trace_attrs_add(struct rts_trace_attrs *attrs, const void *attr, size_t size,
                        uint32_t *event, struct rts_error *error);

/* An id that stands for this event. Beyond RTS_TRACE_IDS_MAX they are ignored. */
void rts_trace_attrs_add_id(struct rts_trace_attrs *attrs, uint64_t id, uint32_t event);

/* The event of this id, or NULL. */
struct rts_trace_event *rts_trace_attrs_find(struct rts_trace_attrs *attrs, uint64_t id);

/* Copies a name of at most `size` bytes, which may or may not end with a zero byte. */
void rts_trace_event_name(struct rts_trace_event *event, const char *name, size_t size);

/* Which event a record of the kernel's types is of; NULL when it says one that is not known, or
 * there are none. Records that perf makes up itself have no id and are of the first one. */
struct rts_trace_event *rts_trace_attrs_of_record(struct rts_trace_attrs *attrs,
                                                  const struct perf_event_header *header);

/* How to decode a record that is of `event`, as the function above says; all zero for NULL. */
struct rts_record_layout rts_trace_attrs_layout(struct rts_trace_attrs *attrs,
                                                const struct rts_trace_event *event,
                                                const struct perf_event_header *header);

#endif
