/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traces of a run that are being written: that of the whole run, as it was (--record), and that
 * of the current segment, redacted (--cas). Each call goes to those of them that are open.
 */
#ifndef RTS_RECORDING_RECORDERS_H
#define RTS_RECORDING_RECORDERS_H

#include "capture/capture.h"
#include "capture/receipt.h"
#include "recording/recorder.h"
#include "sampler/kept.h"
#include "settings/settings.h"

#define RTS_RECORDERS 2

/* What traces say of the run; pointers are borrowed. */
struct rts_recorders_setup {
    const struct rts_settings *settings;
    const struct rts_architecture *arch;
    const struct rts_capture *capture;
    const struct rts_receipt *receipt;
    struct rts_guard_facts limits;
    const struct rts_account *account;
    struct rts_share *share;
    const struct rts_proc *proc;
    uint64_t started_ns;
};

struct rts_recorders {
    struct rts_recorders_setup setup;
    struct rts_recorder *of_run, *of_segment; /* NULL: not open */
    struct rts_recorder_counts counts;        /* of the trace of the run, when it has ended */
};

/* Begins the trace of the run, if one is asked for. */
int rts_recorders_open_run(struct rts_recorders *recorders, struct rts_error *error);

/* Begins the trace of a segment, in a file below the folder of the bundles. */
int rts_recorders_open_segment(struct rts_recorders *recorders, struct rts_error *error);

/* Can the segment be recorded no more? Then *error says why. */
bool rts_recorders_segment_failed(const struct rts_recorders *recorders, struct rts_error *error);

/* What goes into traces: see rts_recorder_sample() and the others. */
void rts_recorders_sample(const struct rts_recorders *recorders, const struct rts_kept *kept,
                          const struct rts_fact_process *facts);
void rts_recorders_task(const struct rts_recorders *recorders, const struct rts_record *record);
void rts_recorders_process(const struct rts_recorders *recorders,
                           const struct rts_fact_process *facts);
void rts_recorders_package(const struct rts_recorders *recorders, const struct rts_object *object,
                           const char *function, const struct rts_recorder_package *package);
void rts_recorders_named(const struct rts_recorders *recorders);
void rts_recorders_flush(const struct rts_recorders *recorders, int64_t wall_offset_ns);

/* Ends the trace of the segment, which took so long; returns its fd, or -1. */
int rts_recorders_end_segment(struct rts_recorders *recorders, uint64_t duration_ns,
                              struct rts_error *error);

/* Ends the trace of the run, if there is one. `command_status`: -1: there is no command, or it
 * still runs. */
int rts_recorders_end_run(struct rts_recorders *recorders, uint64_t duration_ns, int command_status,
                          struct rts_error *error);

/* The run failed before it began to sample: there is no trace of it. */
void rts_recorders_discard(struct rts_recorders *recorders);

#endif
