/* SPDX-License-Identifier: Apache-2.0 */
/* What a traced process runs and has mapped, as records: there is no kernel to report it. */
#ifndef RTS_CAPTURE_PTRACE_IMAGE_H
#define RTS_CAPTURE_PTRACE_IMAGE_H

#include "capture/capture.h"
#include "capture/ptrace_targets.h"
#include "util/buffer.h"

/* Appends what has changed since the last call: a COMM record for a process that is new or has
 * called execve(), and MMAP2 records of its executable mappings when these are other ones. `stat`
 * is that of a thread of it, read at `now`. Its maps are read when the size of its memory has
 * changed, and otherwise once a second, for what was mapped in the place of something equally
 * large. Where they may not be read, nothing is appended. */
void rts_ptrace_image_write(struct rts_buffer *out, const struct rts_record_layout *layout,
                            rts_capture_maps_reader *read_maps, const struct rts_proc *proc,
                            struct rts_ptrace_process *process, const struct rts_ptrace_stat *stat,
                            uint64_t now);

#endif
