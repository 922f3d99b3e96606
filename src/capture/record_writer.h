/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records as the kernel would: the counterpart of record.h for what has no kernel to write
 * them. Each call appends one whole record, with the trailer that the layout asks for, to a buffer.
 */
#ifndef RTS_CAPTURE_RECORD_WRITER_H
#define RTS_CAPTURE_RECORD_WRITER_H

#include "capture/record.h"
#include "util/buffer.h"

/* Bytes of stack that fit into one record beside everything else. */
#define RTS_RECORD_STACK_MAX ((64u << 10) - 1024)

/* All take pid, tid, time and cpu from `record`, and the rest from the member of its kind. Text is
 * cut to what fits. `layout` must hold RTS_ATTR_COMMON_TYPE. */

/* With registers, one per bit of layout->user_registers; stack_size is cut to RTS_RECORD_STACK_MAX
 * and the callchain to what fits. */
void rts_record_write_sample(struct rts_buffer *out, const struct rts_record_layout *layout,
                             const struct rts_record *record);

/* As MMAP2, with device and inode. */
void rts_record_write_mmap(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record);
void rts_record_write_comm(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record);
void rts_record_write_exit(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record);
void rts_record_write_lost(struct rts_buffer *out, const struct rts_record_layout *layout,
                           const struct rts_record *record);

#endif
