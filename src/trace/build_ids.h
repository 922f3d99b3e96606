/* SPDX-License-Identifier: Apache-2.0 */
/* The table of build-ids that a trace carries: what the files were that its mappings name. */
#ifndef RTS_TRACE_BUILD_IDS_H
#define RTS_TRACE_BUILD_IDS_H

#include "types.h"
#include "util/table.h"

/* More files than this are not taken note of. */
#define RTS_TRACE_BUILD_IDS_MAX 65536

struct rts_trace_build_ids {
    struct rts_table by_path;
    bool any; /* something was said, be it of the kernel alone */
};

void rts_trace_build_ids_finish(struct rts_trace_build_ids *table);

/* Takes in a record of the form of PERF_RECORD_HEADER_BUILD_ID, of `size` bytes. */
void rts_trace_build_ids_take(struct rts_trace_build_ids *table, const uint8_t *record,
                              size_t size);

/* The build-id of the file with this path (or of "[vdso]"); NULL when the trace does not say, or
 * says several. */
const struct rts_build_id *rts_trace_build_ids_find(const struct rts_trace_build_ids *table,
                                                    const char *path);

#endif
