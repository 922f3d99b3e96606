/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account of a run. It adds up at any moment:
 *   samples_taken == samples_kept + sum(dropped)
 *   sum of hitCount over all lines ever written == hits
 *   samples_kept == sum(stops)
 *   frames_total == sum(frames_by_unwinder)
 *   events_emitted == rts_account_delivered()      at the end of a run that delivers
 *   hits == sum(joins)                             with a static graph
 * Samples without a user side, of rtsample itself, and of processes that are not the target are
 * counted apart and are not part of `taken`.
 */
#ifndef RTS_FACTS_ACCOUNT_H
#define RTS_FACTS_ACCOUNT_H

#include "facts/budget.h"
#include "facts/opinions.h"
#include "facts/selftest_facts.h"
#include "types.h"
#include "util/buffer.h"

/* What became of the lines that were handed to the delivery. Each is in one place at a time, so
 * that `spooled` goes down when a batch leaves the spool of this run. */
struct rts_delivery_account {
    uint64_t accepted; /* by the server */
    uint64_t spooled;  /* kept for a later try */
    uint64_t rejected; /* refused for good by the server, and put aside */
    uint64_t dropped;  /* lost: no spool, or it was full or too old */
    uint64_t retries;  /* requests that were repeated; not lines */
};

struct rts_account {
    uint64_t samples_kept;
    uint64_t dropped[RTS_DROP_COUNT];
    uint64_t no_user_side; /* kernel threads, idle */
    uint64_t own;          /* of rtsample itself (-a) */
    uint64_t other;        /* not the target, seen because one event covers a whole CPU */
    uint64_t stops[RTS_STOP_COUNT];
    uint64_t frames_by_unwinder[RTS_UNWINDER_COUNT];
    uint64_t frames_symbolized;
    uint64_t events_emitted;       /* lines */
    uint64_t events_with_purl;     /* those of them that name a package */
    uint64_t hits_with_purl;       /* in these */
    uint64_t databases_unreadable; /* of packages */
    uint64_t databases_late;       /* how often one of rpm was not listed in time */
    uint64_t objects_put_off; /* whose packages were not looked for: that took their owner's files
                                 too long already */
    uint64_t hits;            /* sum of their hitCounts */
    uint64_t hits_nameless;   /* those of them of functions that are known by their bounds only */
    uint64_t batches;
    uint64_t undelivered_events;    /* lines that the output refused and that are lost */
    uint64_t unnamed_anonymous;     /* frames in anonymous (JIT) code: no fact */
    uint64_t unnamed_no_file;       /* frames in files that could not be read: no fact */
    uint64_t unnamed_no_symbol;     /* frames in readable files without name or FDE: no fact */
    uint64_t unnamed_changed;       /* frames in files that were overwritten meanwhile: no fact */
    uint64_t copied_same;           /* frames in a copy of a file's text, named like it */
    uint64_t copied_different;      /* frames where a file's text belongs and the memory is not it:
                                       among unnamed_anonymous or unnamed_no_file */
    uint64_t kernel_side;           /* kept samples that were taken in kernel mode */
    uint64_t unwatched;             /* processes that the kernel took from us while they live on */
    uint64_t unseen_processes;      /* of the target, that ended without a sample, and threads: */
    uint64_t unseen_threads;        /* while events of CPUs would have seen their share of them */
    uint64_t lost_records;          /* side-band and sample records the kernel could not write */
    uint64_t malformed_side_band;   /* records that are not samples and whose sizes contradict each
                                       other; also of other processes */
    uint64_t processes;             /* process instances with at least one kept sample */
    uint64_t graph_nodes;           /* of the static graph; 0 without one, as are: */
    uint64_t joins[RTS_JOIN_COUNT]; /* hits by what became of their search for a node */
    struct rts_delivery_account delivery; /* zero when nothing is delivered */
};

/* Symbols without a node that are listed. */
#define RTS_UNJOINED_MAX 10

/* One of them. Strings borrowed. */
struct rts_unjoined {
    const char *symbol, *build_id;
    uint64_t hits;
    enum rts_join reason;
};

/* The counter of this name ("dropped.rate_limit", "no_user_side", "own", "other", "lost_records",
 * "malformed_side_band", "unwatched", "unseen_processes", "unseen_threads", "copied.same",
 * "copied.different"), by which a trace tells what cannot be counted again; NULL: there is none. */
uint64_t *rts_account_counter(struct rts_account *account, const char *name);

/* What became of a trace that is replayed. */
struct rts_trace_account {
    uint64_t unread_bytes;   /* behind the place where it could not be read any further */
    uint64_t late_records;   /* that came too late to be put in order */
    uint64_t unknown_events; /* samples of events that the trace does not describe; they are dropped
                                as malformed */
    uint64_t files_found;    /* and checked to be the recorded ones */
    uint64_t files_by_path;  /* taken by their paths, since nothing better was recorded */
    uint64_t files_missing;
    uint64_t files_different; /* what is there is another file */
    uint64_t files_unknown;   /* the trace does not say enough to tell */
};

/* How long threads of the target were stopped by ptrace; all zero with perf events. */
struct rts_stop_times {
    uint64_t count;
    uint64_t total_ns, longest_ns;
    uint64_t too_long; /* longer than --max-stop */
    uint64_t refused;  /* attempts */
    uint64_t samples;
    uint64_t due;      /* samples that the CPU time of the target's threads was worth */
    uint64_t used_ns;  /* that CPU time */
    uint64_t given_up; /* processes that made us wait */
    uint64_t put_off;  /* threads that were not looked at when it was their turn */
};

/* The guards that were in force. */
struct rts_guard_facts {
    uint32_t ratio;                 /* 1: every sample */
    uint32_t max_events_per_second; /* 0: no limit */
    uint32_t max_cpu_percent;       /* of one CPU; 0: no limit */
};

/* Samples per second of CPU time of the target's threads, in Hz; 0: they have used none. */
double rts_stop_times_rate(const struct rts_stop_times *stopped);

/* What the broker was asked about targets; all zero in a replay. */
struct rts_looking {
    uint64_t asked;    /* questions */
    uint64_t late;     /* process instances that were given up, since no answer came in time */
    uint64_t refused;  /* questions about such, which were not asked */
    uint64_t replaced; /* workers */
};

/* What became of samples near which memory was read; all zero in a replay. samples = frozen + late +
 * refused. */
struct rts_near_facts {
    uint64_t samples; /* of the processes that need it */
    uint64_t frozen;  /* of which it is proven that their threads stood still meanwhile */
    uint64_t late;    /* of which it is not */
    uint64_t refused; /* of which the kernel did not permit it */
};

/* The parts of --stats that are not counts of the account. Strings borrowed; NULL: left out. */
struct rts_run_facts {
    const char *method; /* "perf:cpu-clock" */
    uint64_t duration_ms;
    const char *config_sha256;
    bool has_command;
    int command_status; /* exit status of -- COMMAND, 128 + signal when killed; -1: still running */
    uint32_t frequency;
    const struct rts_guard_facts *guard; /* NULL: null, for the trace does not say */
    const char *const *gave_up;          /* NULL-terminated words: what the kernel refused */
    const char *rung;    /* of the ways to sample, the one that was taken; NULL: null */
    const char *refused; /* why the better ones were not: "rung:cause" with commas between */
    struct rts_unjoined unjoined[RTS_UNJOINED_MAX]; /* the hottest first */
    size_t unjoined_count;
    uint64_t cpu_ms;
    uint64_t peak_rss_kib;
    double max_cpu_percent;
    uint64_t recorded_bytes, recorded_samples; /* of and in the trace */
    uint64_t unrecorded_samples; /* that were used and are not in the trace: its limit, the disk */
    const struct rts_trace_account *trace; /* NULL: left out */

    const struct rts_budget *memory;               /* NULL: all zero */
    const struct rts_memory_owners *memory_owners; /* NULL: none */

    struct rts_stop_times stopped;
    struct rts_looking looking;
    struct rts_near_facts near;
    const struct rts_selftest_facts *selftest; /* NULL: none */
    const char *unwinder;                      /* that was chosen; NULL: left out */
    const struct rts_opinions *opinions;       /* sorted; NULL: none */
};

/* Hits without a node in the static graph. */
uint64_t rts_account_unjoined(const struct rts_account *account);

/* Puts a symbol into the list of the hottest without a node, unless it is too cold for it. */
void rts_run_facts_add_unjoined(struct rts_run_facts *run, const struct rts_unjoined *symbol);

/* samples_kept + all drops. */
uint64_t rts_account_taken(const struct rts_account *account);

/* Counts the samples that did not happen because the kernel had switched the event off from `since`
 * to `until` (ns). It does so until its next tick: what looks longer is a thread that slept or
 * ended meanwhile, which missed nothing. */
void rts_account_throttled(struct rts_account *account, uint64_t since, uint64_t until,
                           uint32_t frequency);

/* Lines whose place the delivery has said: accepted, spooled, rejected and dropped. What is emitted
 * beyond them is under way. */
uint64_t rts_account_delivered(const struct rts_account *account);

/* Appends the object of --stats as one line of JSON, keys in the order the man page lists. All the
 * numbers are always there, zero when nothing happened; run.command_status is null when there was
 * no command or it still runs. */
void rts_account_write(const struct rts_account *account, const struct rts_run_facts *run,
                       struct rts_buffer *out);

#endif
