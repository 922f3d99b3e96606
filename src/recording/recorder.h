/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a run as a trace: what the session found out about each sample that it used, as perf's
 * records and our notes (trace/note.h). Nothing is looked up for its sake but the names of threads:
 * it writes down what is known already.
 *
 *     sample:  [COMM]  [MMAP2 [FILE [IMAGE]] MAPPING]...  [PROCESS]  STACK  SAMPLE
 *     window:  [PROCESS]...  ACCOUNT  FLUSH  FINISHED_ROUND
 *
 * What is in brackets is written when it is new, or was forgotten: memory is bounded.
 *
 * perf's tools sort records by time, up to each FINISHED_ROUND those that are older than the round
 * before. A mapping carries the time from which on it is valid, so that it is sorted to its place
 * although it is written at its first hit; where that place was passed already, it carries no time,
 * which makes the tools apply it where it stands.
 */
#ifndef RTS_RECORDING_RECORDER_H
#define RTS_RECORDING_RECORDER_H

#include "broker/proc.h"
#include "facts/account.h"
#include "facts/window.h"
#include "process/process.h"
#include "recording/redaction.h"
#include "sampler/unwinding.h"
#include "trace/writer.h"
#include "unwind/unwind.h"

/* What the note RUN says; strings borrowed. */
struct rts_recorder_run {
    const char *config_sha256, *method, *call_graph;
    const char *gave_up;        /* words with commas between; NULL: nothing */
    const char *rung, *refused; /* receipt.h; NULL: nothing */
    uint32_t frequency;
    struct rts_guard_facts guard;
    uint32_t flush_interval_ms;
};

/* What the note END says. */
struct rts_recorder_end {
    uint64_t duration_ms;
    uint32_t frequency;
    int command_status;         /* -1: there is no command, or it still runs */
    const char *rung, *refused; /* as in struct rts_recorder_run: they may have changed */
};

struct rts_recorder_counts {
    uint64_t bytes;      /* of the file */
    uint64_t samples;    /* in it */
    uint64_t unrecorded; /* used, and not in it: the limit, or the disk */
};

struct rts_recorder_options {
    const char *path; /* of the file; only what it is called when `fd` is given */
    int fd;           /* an empty file, owned from now on, also in case of failure; -1: by path */
    struct rts_trace_format format;
    struct rts_redaction redaction;
    const struct rts_account *account; /* of the run: read when a window ends. Borrowed */
    bool from_now;                     /* what was counted so far belongs to an earlier trace */
    struct rts_share *share;     /* for what is remembered of what it says; NULL: none. Borrowed */
    bool quiet;                  /* says nothing when it can record no more; the caller asks */
    const struct rts_proc *proc; /* who reads proc, and where it is; borrowed */
};

struct rts_recorder;

/* Begins a trace. */
struct rts_recorder *rts_recorder_open(const struct rts_recorder_options *options,
                                       const struct rts_recorder_run *run, struct rts_error *error);

/* Is it unable to record any more: the limit, or the disk? Then *error says why. */
bool rts_recorder_failed(const struct rts_recorder *recorder, struct rts_error *error);

/* Bytes that the trace has so far. */
uint64_t rts_recorder_size(const struct rts_recorder *recorder);

/* A sample that was used: `stack` is what was found in `process` at `time`, and `facts` what facts
 * say of that process. */
void rts_recorder_sample(struct rts_recorder *recorder, const struct rts_record *record,
                         const struct rts_process *process, uint64_t time,
                         const struct rts_stack *stack, const struct rts_fact_process *facts);

/* What two unwinders of the sample before it differ about. */
void rts_recorder_disagreement(struct rts_recorder *recorder,
                               const struct rts_disagreement *disagreement);

/* A COMM, FORK or EXIT record of a target. */
void rts_recorder_side_band(struct rts_recorder *recorder, const struct rts_record *record);

/* What facts are about to say of a process of which there are samples. */
void rts_recorder_process(struct rts_recorder *recorder, const struct rts_fact_process *facts);

/* What facts are about to say of the package of a function of an object of which there are samples.
 * The strings are borrowed for the call. */
struct rts_recorder_package {
    const char *purl, *stale; /* NULL: not known */
    bool modified;
};
void rts_recorder_package(struct rts_recorder *recorder, const struct rts_object *object,
                          const char *function, const struct rts_recorder_package *package);

/* The stacks so far were named, and no window ended. */
void rts_recorder_named(struct rts_recorder *recorder);

/* A window ends, with this difference to CLOCK_REALTIME. What was recorded can be read from now on.
 */
void rts_recorder_flush(struct rts_recorder *recorder, int64_t wall_offset_ns);

/* Ends the trace. Accepts NULL. -1: it could not be written to its end. */
int rts_recorder_finish(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                        struct rts_recorder_counts *counts, struct rts_error *error);

/* The run failed before it took a sample: there is to be no trace, and its file is removed. Accepts
 * NULL. */
void rts_recorder_discard(struct rts_recorder *recorder);

/* Ends the trace, and leaves the file open: returns its fd, at its beginning, or -1. */
int rts_recorder_finish_open(struct rts_recorder *recorder, const struct rts_recorder_end *end,
                             struct rts_recorder_counts *counts, struct rts_error *error);

#endif
