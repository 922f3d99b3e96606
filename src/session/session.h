/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, from the first event to the closing account. This is the line that everything hangs on:
 *
 *     capture -> process -> unwind -> stacks -> identity -> window -> delivery
 *
 * session.c knows every stage, and no stage knows another.
 */
#ifndef RTS_SESSION_SESSION_H
#define RTS_SESSION_SESSION_H

#include <stdio.h>

#include "binary/object_cache.h"
#include "broker/broker.h"
#include "capture/capture.h"
#include "delivery/delivery.h"
#include "delivery/sink.h"
#include "facts/account.h"
#include "facts/budget.h"
#include "facts/guard.h"
#include "facts/nameless.h"
#include "facts/observed_graph.h"
#include "facts/stack_table.h"
#include "facts/window.h"
#include "graph/graph.h"
#include "identity/symbol.h"
#include "package/package_table.h"
#include "package/rpm_starter.h"
#include "process/cgroup_ids.h"
#include "process/lives.h"
#include "process/process.h"
#include "recording/recorder.h"
#include "report/status_line.h"
#include "session/code_map.h"
#include "session/command.h"
#include "session/receipt.h"
#include "session/replay.h"
#include "session/segments.h"
#include "settings/settings.h"
#include "unwind/unwind.h"

/* The traces that are written. */
enum rts_session_trace {
    RTS_RUN_TRACE,     /* of the whole run, as it was (--record) */
    RTS_SEGMENT_TRACE, /* of the segment at hand, redacted (--cas) */
    RTS_TRACE_COUNT,
};

struct rts_session {
    const struct rts_settings *settings;
    const struct rts_architecture *arch;
    int32_t own_pid;
    int own_memory;            /* util/own_memory.h */
    struct rts_broker *broker; /* looks at the targets; NULL: a replay */
    struct rts_broker
        *tracers_broker; /* the same for the thread that traces; NULL: there is none */

    struct rts_capture *capture;
    struct rts_receipt receipt; /* of how it came about */
    struct rts_process_table *processes;
    struct rts_lives *lives; /* of the target's threads; NULL: not sampled one by one */
    struct rts_cgroup_ids *cgroups;
    struct rts_object_cache *objects;
    struct rts_hash_cache *hashes; /* NULL: not wanted */
    struct rts_code_map code_map;
    struct rts_replay *replay;      /* NULL: live */
    enum rts_call_graph call_graph; /* how the stack of the sample at hand was taken */
    struct rts_guard *guard;
    uint32_t start_frequency; /* what the capture was asked for */
    struct rts_rule_cache *rules;
    struct rts_stack_table *stacks;
    struct rts_symbol_table *symbols;
    struct rts_package_table *packages; /* NULL: not wanted */
    struct rts_rpm_starter *starter;    /* NULL: no packages are wanted */
    struct rts_graph *graph;            /* NULL: none was given */
    struct rts_window *window;
    struct rts_observed_graph *observed;             /* NULL: no union bundle */
    struct rts_sink *sink;                           /* NULL: facts are delivered only */
    struct rts_delivery *delivery;                   /* NULL: no endpoint */
    struct rts_recorder *recorders[RTS_TRACE_COUNT]; /* NULL: no such trace is kept */
    struct rts_segments *segments;                   /* NULL: no bundles are made */
    struct rts_recorder_counts recorded;
    FILE *stats; /* opened before a command runs; NULL: not asked for */
    bool stats_written;
    struct rts_origin origin; /* what we were, and a command is to be */
    struct rts_command command;
    char *group; /* owned: the folder of the control group that is sampled; NULL: none */
    char container_id[RTS_CONTAINER_ID_SIZE]; /* sampled by its processes, without a folder */
    bool group_events; /* the kernel samples the group as such, and all who come are targets */
    bool group_failed; /* somebody in it cannot be sampled, which was said */
    bool whole_cpus;   /* the events are of CPUs, and those who are no target are left out */
    unsigned drains_since_turn; /* to whole CPUs, until it matters no more */
    bool stays;                 /* it was tried to turn to whole CPUs, in vain */
    bool own_only;              /* all were wanted, and only those are sampled that may be */

    struct rts_stack *stack;   /* the sample at hand */
    struct rts_buffer lines;   /* the batch at hand */
    uint64_t stack_number;     /* marks symbols that the stack at hand has been counted for */
    uint64_t *throttled_since; /* per CPU; 0: not throttled */
    unsigned cpu_count;        /* entries of throttled_since */
    unsigned samples_unread;   /* since the CPU guard had a reading */
    bool limit_said;           /* that samples are left out for the limit on events */
    bool metrics_failed;       /* the metrics could not be replaced, which was said */
    bool stopped;              /* a signal told us to end */
    bool exit_seen;            /* a thread ended: see whether the target has */
    bool sink_waits;           /* the output refused a batch, which was said */
    bool sink_broken;          /* it can never take anything again */

    struct rts_account account;
    struct rts_budget memory;
    struct rts_ledger ledgers[RTS_MEMORY_COUNT]; /* of those tables that know owners */
    bool owner_said[RTS_OWNERS_MAX];             /* that it takes more than its share */
    uint64_t refusals_seen;                      /* of code_map.files_refused */
    size_t mappings_grown;                       /* bytes, since processes were bounded */
    uint64_t evictions_given_back;               /* of files, when the heap was last trimmed */
    bool memory_stuck;            /* nothing more can be given back before the window ends */
    struct rts_nameless nameless; /* hits of functions without a name */
    struct rts_status_line status_line;
    uint64_t started_ns, ended_ns;
    uint64_t cpu_checked_ns, cpu_checked_ms; /* for max_cpu_percent */
    double max_cpu_percent;
};

/* Runs `settings` to the end. Returns the exit status; a failure is in *error and is not printed
 * yet. The closing account and --stats are written in every case once sampling has begun. */
int rts_session_run(const struct rts_settings *settings, struct rts_error *error);

/* Replays the trace at `path` ("-": standard input) in the same way (session_replay.c). */
int rts_session_replay(const struct rts_settings *settings, const char *path,
                       struct rts_error *error);

/* Is it us, or our broker? None of these is a target. */
bool rts_session_is_own(const struct rts_session *session, int32_t pid);

/* proc, and who reads it. */
static inline const struct rts_proc *rts_session_proc(const struct rts_session *session)
{
    return rts_process_table_proc(session->processes);
}

/* session.c: what every kind of run begins and ends with. The signals come from a signalfd. */
int rts_session_open_signals(void);
void rts_session_open_stages(struct rts_session *session);
void rts_session_close_stages(struct rts_session *session);

/* session_records.c: what the capture passes on; `context` is the session. */
void rts_session_take_sample(void *context, const struct rts_record *record);
void rts_session_take_side_band(void *context, const struct rts_record *record);
void rts_session_take_malformed(void *context, enum rts_record_kind kind);

/* Counts session->stack, of a sample of this process that is used. */
void rts_session_keep_stack(struct rts_session *session, struct rts_process *process,
                            const struct rts_record *record);

/* Counts what was throttled until `now`, for CPUs that still are. */
void rts_session_end_throttling(struct rts_session *session, uint64_t now);

/* session_ladder.c: opens the capture on the target, by the best method that is permitted, and
 * writes the receipt. */
int rts_session_open_capture(struct rts_session *session, struct rts_error *error);

/* session_targets.c: opens the events on the target and takes its processes in. */
int rts_session_attach(struct rts_session *session, struct rts_error *error);

/* Lets the command run, if there is one. */
int rts_session_begin(struct rts_session *session, struct rts_error *error);

/* Has the target ended? `thorough`: look at /proc too, not just at what the records said. */
bool rts_session_target_ended(struct rts_session *session, bool thorough);

/* session_turn.c: are the events those of threads, which their children inherit? */
bool rts_session_by_process(const struct rts_session *session);

/* Turns to events of whole CPUs, from here on; `why` is said, and `cause` is what the receipt has
 * for it. -1: nothing has changed, for the reason in *error. */
int rts_session_turn_to_cpus(struct rts_session *session, const char *cause, const char *why,
                             struct rts_error *error);

/* After a drain: counts what has ended unseen, and turns to whole CPUs when that is much. */
void rts_session_watch_lives(struct rts_session *session, uint64_t now);

/* session_unseen.c: tells people what CPU time of the target was not sampled, and why. A run
 * without any sample fails where the kernel did not permit it. */
int rts_session_say_unseen(const struct rts_session *session, struct rts_error *error);

/* session_again.c: samples those anew whose events the kernel has ended while they live on, or says
 * that it cannot. */
void rts_session_watch_again(struct rts_session *session);

/* session_flush.c: names the stacks that were counted so far and counts their symbols in the
 * window.
 */
void rts_session_name_stacks(struct rts_session *session);

/* What facts say of a process instance. */
struct rts_fact_process rts_session_fact_process(const struct rts_session *session,
                                                 uint64_t instance);

/* The same, then writes the facts of the window and begins the next one. */
void rts_session_flush(struct rts_session *session);

/* session_deliver.c: the delivery to a server, if one is asked for. */
int rts_session_open_delivery(struct rts_session *session, struct rts_error *error);

/* Hands over a batch of `count` lines, to the output and to the delivery. */
void rts_session_deliver(struct rts_session *session, const struct rts_buffer *lines,
                         uint64_t count);

/* Takes what the delivery has counted so far into the account. */
void rts_session_count_delivery(struct rts_session *session);

/* Ends the delivery: RTS_UNDELIVERED when something was not accepted; the text says where it is. */
int rts_session_end_delivery(struct rts_session *session, struct rts_error *error);

/* session_record.c: the trace of the run, if one is to be kept. */
int rts_session_open_record(struct rts_session *session, struct rts_error *error);

/* The same for that of the segment at hand, in a file below the folder of the bundles. */
int rts_session_open_segment(struct rts_session *session, struct rts_error *error);

/* Can the segment at hand be recorded no more? Then *error says why. */
bool rts_session_segment_failed(const struct rts_session *session, struct rts_error *error);

/* Ends it; returns its fd, or -1. */
int rts_session_end_segment(struct rts_session *session, struct rts_error *error);

/* The sample whose stack is at hand, and a side-band record. */
void rts_session_record_sample(struct rts_session *session, const struct rts_record *record);
void rts_session_record_side_band(struct rts_session *session, const struct rts_record *record);

/* What facts are about to say of a process, and of the package of a function; names were looked up;
 * a window ends. */
void rts_session_record_process(struct rts_session *session, const struct rts_fact_process *facts);
void rts_session_record_package(const struct rts_session *session, const struct rts_object *object,
                                const char *function, const struct rts_package *package);
void rts_session_record_names(struct rts_session *session);
void rts_session_record_flush(struct rts_session *session, int64_t wall_offset_ns);

/* Ends the trace, at the end of the run. */
int rts_session_end_record(struct rts_session *session, struct rts_error *error);

/* The run failed before it began to sample: there is no trace of it. */
void rts_session_discard_record(struct rts_session *session);

/* session_segments.c: begins to make bundles, if they are asked for. */
int rts_session_open_segments(struct rts_session *session, struct rts_error *error);

/* The URI that lines are to carry; NULL: none. */
const char *rts_session_evidence(const struct rts_session *session);

/* Keeps the lines of a flush until their bundle has its name. */
void rts_session_hold(struct rts_session *session, const struct rts_buffer *lines, uint64_t count);

/* After a flush: begins the next segment when this one is long enough, and delivers the facts of
 * those that are packed. */
void rts_session_turn_segment(struct rts_session *session);

/* Packs what is left and delivers all that waits. -1: some facts have no bundle. */
int rts_session_end_segments(struct rts_session *session, struct rts_error *error);

/* Gives everything up; accepts that there is nothing. */
void rts_session_close_segments(struct rts_session *session);

/* session_union.c: begins to keep what goes into a union bundle, if one is asked for, and writes it
 * when the run has ended. */
int rts_session_open_union(struct rts_session *session, struct rts_error *error);
int rts_session_write_union(struct rts_session *session, struct rts_error *error);

/* session_process.c: finds out in which container a process is that was sampled; soon, for it may
 * end. */
void rts_session_find_container(const struct rts_session *session, struct rts_process *process,
                                const struct rts_record *record);

/* Finds out where it listens, if that is wanted and not known yet. */
void rts_session_find_socket(const struct rts_session *session, struct rts_process *process);

/* session_cache.c: what is kept for later runs, if a directory for it was given. */
int rts_session_open_cache(struct rts_session *session, struct rts_error *error);
void rts_session_close_cache(struct rts_session *session);

/* session_graph.c: reads the static graph, if one was given. */
int rts_session_load_graph(struct rts_session *session, struct rts_error *error);

/* The hottest symbols that are no node of it. */
void rts_session_list_unjoined(const struct rts_session *session, struct rts_run_facts *run);

/* session_close.c: opens the outputs; an earlier account is left alone until there is a new one. */
int rts_session_open_outputs(struct rts_session *session, struct rts_error *error);
void rts_session_close_outputs(struct rts_session *session);

/* SIGINT and SIGTERM are blocked; has one come that nobody has taken yet? */
bool rts_session_is_stopped(void);

/* The closing account for people, and --stats. From here on SIGINT and SIGTERM interrupt a wait for
 * the reader of the facts. */
int rts_session_report(struct rts_session *session, struct rts_error *error);

/* When all is open and the command runs: gives up what the run does not need any more. */
void rts_session_seal(struct rts_session *session);

/* Tells people what the kernel did not permit. */
void rts_session_say_limits(const struct rts_session *session);

/* CPU time that this program has used so far, user and system, in milliseconds. */
uint64_t rts_session_own_cpu_ms(const struct rts_session *session);

/* What the broker was asked so far. */
struct rts_looking rts_session_looking(const struct rts_session *session);

/* Updates max_cpu_percent; called about once a second. */
void rts_session_measure_self(struct rts_session *session);

/* session_guard.c: what to sample at: less than the settings say where that is too much for the
 * event limit from the start, which is said. */
uint32_t rts_session_start_frequency(const struct rts_session *session);

/* The guards that are in force. Nobody is burdened by the replay of a trace: there they are those
 * that were asked for. */
struct rts_guard_facts rts_session_guard_facts(const struct rts_session *session);

/* Makes the guards, once the capture is open. */
void rts_session_open_guard(struct rts_session *session);

/* Gives the CPU guard a reading and does what it wants with the frequency. `sampling`: the time
 * since the last reading was spent on records. */
void rts_session_read_cpu(struct rts_session *session, bool sampling);

/* -1: the sample is to be used; or the enum rts_drop that it is to be counted for. */
int rts_session_guard_sample(struct rts_session *session, uint64_t instance, uint64_t time);

/* Tells people, once, that the limit on events leaves samples out, and how to raise it. */
void rts_session_tell_rate_limit(struct rts_session *session);

/* Tells people, at most every ten seconds, that the CPU guard's state has changed. */
void rts_session_tell_guard(struct rts_session *session, uint64_t now);

/* session_memory.c: divides the memory among the stages, which are there. */
void rts_session_open_memory(struct rts_session *session);

/* Gives back parts of files when they take too much; between any two stacks. */
void rts_session_relieve(struct rts_session *session);

/* The same after a sample was counted. Names the stacks when there are too many, or when whole
 * files have to go; ends the window when its facts or the symbols take too much. */
void rts_session_bound_memory(struct rts_session *session);

/* When mappings have grown much since the last time, forgets those of whoever has too many; between
 * any two records. */
void rts_session_bound_processes(struct rts_session *session);

/* By whom how much was let go of so far. */
void rts_session_list_owners(const struct rts_session *session, struct rts_memory_owners *owners);

/* At the end of a window: gives back what nothing needs, processes that ended before `horizon`, and
 * what is over the limits. */
void rts_session_trim(struct rts_session *session, uint64_t horizon);

/* session_metrics.c: replaces the metrics file, if there is to be one. */
int rts_session_write_metrics(struct rts_session *session, struct rts_error *error);

/* The same at a flush: a failure is said once and does not end the run. */
void rts_session_update_metrics(struct rts_session *session);

/* A rts_process_table callback: gives back the reference that a mapped file holds. */
void rts_session_forget_object(void *context, struct rts_object *object);

#endif
