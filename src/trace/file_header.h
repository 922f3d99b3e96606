/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a perf.data file, and that of a pipe. */
#ifndef RTS_TRACE_FILE_HEADER_H
#define RTS_TRACE_FILE_HEADER_H

#include "trace/features.h"
#include "trace/input.h"

struct rts_trace_file_header {
    bool is_pipe;       /* all that follows are records */
    bool is_unfinished; /* whoever wrote it was killed: the data reaches to the end of the file */
    uint64_t data, data_size;
    uint64_t features_at; /* where the table of the features begins: behind the data */
    uint64_t features[4]; /* their bits */
};

/* Reads the header, and of a file its events; afterwards the input yields the data. */
int rts_trace_file_header_read(struct rts_trace_file_header *header, struct rts_trace_input *input,
                               struct rts_trace_attrs *attrs, struct rts_error *error);

/* Takes in the features of a file. */
void rts_trace_file_header_read_features(const struct rts_trace_file_header *header,
                                         const struct rts_trace_input *input,
                                         struct rts_trace_features *features,
                                         struct rts_trace_attrs *attrs,
                                         struct rts_trace_build_ids *build_ids);

#endif
