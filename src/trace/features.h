/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the header of a trace tells beside its records: the machine, the clock, the names of events,
 * the build-ids of files. In a file these are sections behind the data, in a pipe records of their
 * own; the content is the same.
 */
#ifndef RTS_TRACE_FEATURES_H
#define RTS_TRACE_FEATURES_H

#include "trace/attrs.h"
#include "trace/build_ids.h"
#include "trace/perf_file.h"

/* Strings are owned, and NULL when the trace does not say. */
struct rts_trace_features {
    char *os_release;  /* uname -r */
    char *arch;        /* uname -m */
    char *version;     /* of perf */
    bool is_directory; /* the data lies in several files */
    bool has_clock_data;
    int32_t clock_id;  /* CLOCK_* */
    uint64_t wall_ns;  /* CLOCK_REALTIME when that clock */
    uint64_t clock_ns; /* was this */
};

void rts_trace_features_finish(struct rts_trace_features *features);

/* Takes one in; `bit` is one of the header's. What is unknown or damaged is left out. */
void rts_trace_features_take(struct rts_trace_features *features, unsigned bit,
                             const uint8_t *bytes, size_t size, struct rts_trace_attrs *attrs,
                             struct rts_trace_build_ids *build_ids);

#endif
