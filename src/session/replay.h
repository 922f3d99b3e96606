/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run whose records come from a trace (rtsample replay). Traces of perf go through the same
 * stages as live records do, by the times in the trace (session_replay.c). Traces of our own hold
 * what those stages made of the records, as notes (trace/note.h), which is repeated
 * (session_notes.c).
 */
#ifndef RTS_SESSION_REPLAY_H
#define RTS_SESSION_REPLAY_H

#include "binary/file_search.h"
#include "capture/backend.h"
#include "facts/account.h"
#include "package/package_table.h"
#include "session/code_map.h"
#include "session/replay_settings.h"
#include "trace/note.h"
#include "trace/trace.h"
#include "util/buffer.h"

/* A file of one of our traces, and where it is mapped; both go by their numbers in it. */
struct rts_replay_file {
    uint64_t number;
    struct rts_object *object; /* NULL: it was not found */
    bool owned;                /* the object was made from an IMAGE, and is not the cache's */
};

struct rts_replay_mapping {
    uint64_t number;
    struct rts_object *object;
    uint64_t bias, load_base;
    const char *module; /* one of the replay's; NULL: none */
};

struct rts_replay {
    struct rts_trace *trace;
    struct rts_file_search *files;
    struct rts_file_finder finder;
    struct rts_capture capture; /* stands for the one that recorded; only its facts are of use */
    const char *bundle; /* the URI of the bundle that the trace is of; NULL: of none. Borrowed */
    int signals;        /* signalfd */
    bool interrupted;
    bool machine_checked;   /* the trace says what machine it is of: one as ours */
    int64_t wall_offset_ns; /* wall time - the trace's clock */

    /* A trace of perf: */
    struct rts_object *vdso;
    bool vdso_tried;
    bool has_build_ids; /* in records of its mappings */
    bool began;
    uint64_t first_ns, last_ns; /* times of the records */
    uint64_t window_at;         /* when the window at hand began */

    /* One of our own: */
    bool has_notes, has_end;
    char *method, *config_sha256; /* owned; NULL: not told */
    struct rts_recorded_settings recorded;
    char *rung, *refused;
    char *gave_up_text; /* owned; the words below lie in it */
    const char *gave_up[9];
    uint64_t duration_ms, frequency, unrecorded;
    bool has_command;
    int command_status;
    struct rts_table replay_files, mappings;
    struct rts_table modules; /* char *: names of files, which frames borrow */
    struct rts_buffer stack;  /* payload of the STACK that the next sample belongs to */
    unsigned stack_version;
    bool has_stack;
    struct rts_table packages; /* what PACKAGE notes said */
    size_t package_count;
    uint64_t bad_notes; /* that could not be understood */
};

struct rts_session;

/* session_notes.c: takes a record of one of our own traces. -1: it is of a later version. */
int rts_session_take_note(struct rts_session *session, const struct rts_trace_record *record,
                          struct rts_error *error);
void rts_session_take_noted_sample(struct rts_session *session,
                                   const struct rts_trace_record *record);
void rts_replay_finish_notes(struct rts_session *session);

/* replay_files.c: has files looked for by `files` from now on, which may be set later. */
void rts_replay_open_finder(struct rts_replay *replay);

/* session_packages.c: takes a PACKAGE, from behind the number of its file, whose object is this
 * one; tells what was said of a function; frees it all. Texts live as long as the replay. */
void rts_replay_take_package(struct rts_replay *replay, const struct rts_object *object,
                             struct rts_note *note);
struct rts_package rts_replay_package(const struct rts_replay *replay,
                                      const struct rts_object *object, const char *function);
void rts_replay_finish_packages(struct rts_replay *replay);

/* Fills in what --stats says of the recorded run. Strings are the replay's, or static. */
void rts_replay_describe(const struct rts_session *session, struct rts_run_facts *run,
                         struct rts_trace_account *trace);

#endif
