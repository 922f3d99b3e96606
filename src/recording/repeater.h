/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeats a trace of our own in the order of its notes (trace/note.h): what the run that is
 * recorded made of its records is said in them, and nothing is found out again but the names of
 * functions.
 */
#ifndef RTS_RECORDING_REPEATER_H
#define RTS_RECORDING_REPEATER_H

#include "binary/file_search.h"
#include "facts/account.h"
#include "process/process.h"
#include "recording/recorded_settings.h"
#include "recording/repeated_packages.h"
#include "sampler/kept.h"
#include "trace/note.h"
#include "trace/trace.h"
#include "util/buffer.h"
#include "util/table.h"

/* Who takes what is repeated. */
struct rts_repeater_sink {
    void *context;
    void (*kept)(void *context, const struct rts_kept *kept);
    void (*named)(void *context);   /* the stacks so far were named */
    void (*flushed)(void *context); /* a window ended */
};

/* Pointers are borrowed. */
struct rts_repeater_setup {
    const struct rts_settings *settings;
    struct rts_process_table *processes;
    struct rts_account *account;
    struct rts_file_search *files;
    struct rts_repeater_sink sink;
};

struct rts_repeater {
    struct rts_repeater_setup setup;
    bool has_notes, has_end;
    char *method, *config_sha256; /* owned; NULL: not told */
    struct rts_recorded_settings recorded;
    char *rung, *refused; /* likewise */
    char *gave_up_text;   /* owned; the words below lie in it */
    const char *gave_up[9];
    uint64_t duration_ms, frequency, unrecorded;
    bool has_command;
    int command_status;
    int64_t wall_offset_ns; /* of the current window: wall time - the trace's clock */
    struct rts_table files_said, mappings; /* by their numbers in the trace */
    struct rts_table modules;              /* char *: names of files, which frames borrow */
    struct rts_stack *stack;               /* of the sample that is being repeated */
    struct rts_buffer payload;             /* of the STACK that the next sample belongs to */
    unsigned payload_version;
    bool has_stack;
    struct rts_repeated_packages packages;
    uint64_t bad_notes; /* that could not be understood */
};

void rts_repeater_init(struct rts_repeater *repeater, const struct rts_repeater_setup *setup);

/* No stack and no fact borrows from it any more. Accepts one that is all zero. */
void rts_repeater_finish(struct rts_repeater *repeater);

/* Takes a record that is a note, or may be. -1: the trace is of a later version, or was recorded
 * with other settings than are asked for. */
int rts_repeater_take_note(struct rts_repeater *repeater, const struct rts_trace_record *record,
                           struct rts_error *error);

/* Takes a sample, whose stack the note before it has told. */
void rts_repeater_take_sample(struct rts_repeater *repeater, const struct rts_trace_record *record);

#endif
