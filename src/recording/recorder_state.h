/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the recorder share: recorder.c (the file, the windows, the end),
 * recorder_frames.c (files, mappings, frames) and recorder_sample.c (samples, processes). */
#ifndef RTS_RECORDING_RECORDER_STATE_H
#define RTS_RECORDING_RECORDER_STATE_H

#include "recording/recorder.h"
#include "recording/recorder_known.h"
#include "trace/note.h"

struct rts_recorder {
    struct rts_trace_writer *writer;
    struct rts_trace_format format;
    struct rts_redaction redaction;
    struct rts_record_layout layout;
    char *path;
    const struct rts_proc *proc;

    struct rts_known known;             /* what the trace says already */
    const struct rts_account *account;  /* of the run */
    struct rts_account accounted;       /* in ACCOUNT notes so far, or before the trace began */
    struct rts_buffer records;          /* what is being put together */
    struct rts_note_frame *frames;      /* of the current sample */
    uint64_t *chain;                    /* its callchain */
    uint64_t newest_ns;                 /* time of a record, so far */
    uint64_t sorted_ns, next_sorted_ns; /* perf has passed this; and will at the next round */

    uint64_t samples, unrecorded;
    uint64_t waiting;         /* samples among those that are not in the file yet */
    bool ended;               /* nothing is written any more but the END */
    struct rts_error failure; /* why, then */
    bool quiet;               /* its opener says so itself */
};

/* recorder.c: appends a record to what is being put together. */
void rts_recorder_put(struct rts_recorder *recorder, const struct rts_record *record);

/* Gives what was put together to the writer. False: it was not taken, nor will anything be. */
bool rts_recorder_hand_over(struct rts_recorder *recorder);

/* recorder_frames.c: one frame of a stack of `process` at `time`: where it lies, in *out, and what
 * is new about that, as records. */
void rts_recorder_put_frame(struct rts_recorder *recorder, const struct rts_process *process,
                            uint64_t time, const struct rts_frame *frame, enum rts_code_kind kind,
                            struct rts_note_frame *out);

#endif
