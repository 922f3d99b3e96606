/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as bytes, as the kernel would write them: the inverse of rts_record_decode(), for traces
 * of our own and for what has no kernel to write it. Pure.
 */
#ifndef RTS_CAPTURE_RECORD_ENCODE_H
#define RTS_CAPTURE_RECORD_ENCODE_H

#include "capture/record.h"
#include "util/buffer.h"

/* Bytes of stack that fit into one record beside everything else. */
#define RTS_RECORD_STACK_MAX ((64u << 10) - 1024)

/*
 * Appends a SAMPLE, MMAP (as MMAP2, with device and inode), COMM, FORK, EXIT or LOST record. The
 * layout has RTS_ATTR_COMMON_TYPE, and may have PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_REGS_USER (one
 * register for each bit of user_registers) and PERF_SAMPLE_STACK_USER.
 *
 * Of a stack sample->stack_asked bytes are written, all of which are read, down to a multiple of 8
 * and to what fits into 64 KiB. Names that are longer than a record can hold are cut. False: the
 * callchain is too long for a record, or the kind is none of these; nothing is appended.
 */
bool rts_record_encode(const struct rts_record *record, const struct rts_record_layout *layout,
                       struct rts_buffer *out);

/* Appends a record of nothing but a header: perf's FINISHED_ROUND. */
void rts_record_put_mark(uint32_t type, struct rts_buffer *out);

#endif
