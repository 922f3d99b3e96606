/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that everything hangs on:
 *
 *     records -> sampler -> kept -> stacks -> namer -> window -> lines -> outlets
 *
 * Live runs and replays use it alike; what is different for them is given to rts_line_init().
 */
#ifndef RTS_SESSION_LINE_H
#define RTS_SESSION_LINE_H

#include "bounds/bounds.h"
#include "naming/namer.h"
#include "outlets/outlets.h"
#include "recording/recorders.h"
#include "sampler/sampler_state.h"
#include "selftest/rounds.h"

/* When a window ends, and its stacks are named, before its time. */
enum rts_line_ends {
    RTS_LINE_ENDS_EARLY,   /* when memory asks for it */
    RTS_LINE_NAMES_EARLY,  /* then its stacks are named only: windows end by the times of records */
    RTS_LINE_ENDS_AS_TOLD, /* never: a trace tells when */
};

/* The clock of the records. */
struct rts_line_clock {
    void *context;
    int64_t (*wall_offset_ns)(void *context); /* CLOCK_REALTIME - it */
    uint64_t (*sampled_ms)(void *context);    /* how long was sampled so far */
};

/* Pointers are borrowed, and may be set until rts_line_init(). */
struct rts_line_setup {
    const struct rts_settings *settings;
    struct rts_sampler_setup sampler; /* sink, account and objects are the line's to fill in */
    struct rts_package_source packages;
    struct rts_package_table *package_table; /* NULL: there is none */
    struct rts_line_clock clock;
    enum rts_line_ends ends;
};

struct rts_line {
    const struct rts_settings *settings;
    struct rts_account account;
    struct rts_opinions opinions; /* of two unwinders */
    struct rts_selftest_rounds selftest;
    struct rts_object_cache *objects;
    struct rts_hash_cache *hashes;           /* NULL: not wanted */
    struct rts_package_table *package_table; /* owned from here on; NULL: there is none */
    struct rts_sampler sampler;
    struct rts_stack_table *stacks;
    struct rts_namer namer;
    struct rts_window *window;
    struct rts_recorders recorders;
    struct rts_buffer lines; /* of the window that has just ended */
    struct rts_outlets outlets;
    struct rts_bounds bounds;
    struct rts_line_clock clock;
    enum rts_line_ends ends;
    uint64_t started_ns, ended_ns;
};

/* Makes all stages but the outlets. */
void rts_line_init(struct rts_line *line, const struct rts_line_setup *setup);

/* Opens what is kept for later runs: the hashes of files, if a folder for them was given. */
int rts_line_open_cache(struct rts_line *line, struct rts_error *error);

/* Has stacks unwound as the settings say. */
int rts_line_choose_unwinder(struct rts_line *line, struct rts_error *error);

/* Reads the static graph whose ids facts are to carry, if one was given. */
int rts_line_load_graph(struct rts_line *line, struct rts_error *error);

/* Opens the outlets. `recorders`: traces of this run may be written, by what is in
 * line->recorders.setup. */
int rts_line_open_outlets(struct rts_line *line, enum rts_delivery_purpose purpose, bool recorders,
                          const char *evidence, struct rts_error *error);

/* Frees it all; the capture has to be gone before, whose records the sampler takes. */
void rts_line_finish(struct rts_line *line);

/* A sample that is used; `context` is the line. */
void rts_line_keep(void *context, const struct rts_kept *kept);

/* Names the stacks so far, and counts what they hold in the window. */
void rts_line_name_stacks(struct rts_line *line);

/* Ends the window: its facts become lines, and the next one begins. */
void rts_line_flush(struct rts_line *line);

/* After that: tells the metrics, and gives back what nothing needs, processes that ended before
 * `horizon`, and what is over the limits. */
void rts_line_turn(struct rts_line *line, uint64_t horizon);

/* Replaces the metrics with what is known now. */
void rts_line_update_metrics(struct rts_line *line);

#endif
