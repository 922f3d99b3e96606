/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as bytes: the inverse of rts_record_decode(). Pure.
 */
#ifndef RTS_TRACE_RECORD_ENCODE_H
#define RTS_TRACE_RECORD_ENCODE_H

#include "capture/record.h"
#include "util/buffer.h"

/* What the samples of a trace of ours hold: RTS_TRACE_SAMPLE_TYPE, and with registers and stacks
 * PERF_SAMPLE_REGS_USER and PERF_SAMPLE_STACK_USER as well. */
#define RTS_TRACE_SAMPLE_TYPE                                                                      \
    (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |                \
     PERF_SAMPLE_CPU | PERF_SAMPLE_CALLCHAIN)

/*
 * Appends a SAMPLE, MMAP (as MMAP2), COMM, FORK or EXIT record, of the layout of a trace: one of
 * the two sample types above, and sample_id_all. Names that are longer than a record can hold are
 * cut. A copy of a stack is cut at its far end when the record would be longer than 64 KiB. False:
 * the callchain is too long for a record, or the kind is none of these; nothing is appended.
 */
bool rts_record_encode(const struct rts_record *record, const struct rts_record_layout *layout,
                       struct rts_buffer *out);

/* Appends a record of nothing but a header: perf's FINISHED_ROUND. */
void rts_record_put_mark(uint32_t type, struct rts_buffer *out);

#endif
