/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks in, facts out: the distinct stacks of a window are named, and what they hold is counted in
 * the window, once per symbol and stack.
 */
#ifndef RTS_NAMING_NAMER_H
#define RTS_NAMING_NAMER_H

#include "facts/account.h"
#include "facts/nameless.h"
#include "facts/observed_graph.h"
#include "facts/stack_table.h"
#include "facts/window.h"
#include "graph/graph.h"
#include "naming/package_source.h"
#include "process/process.h"
#include "symbols/symbol.h"

/* What facts are about to say, told before they do; strings are borrowed for the call. */
struct rts_namer_sink {
    void *context;
    void (*process_said)(void *context, const struct rts_fact_process *process);
    void (*package_said)(void *context, const struct rts_object *object, const char *function,
                         const struct rts_package *package);
    /* Between any two stacks or files: what was read of files may be let go of. */
    void (*relieve)(void *context);
};

/* Pointers are borrowed. */
struct rts_namer_setup {
    struct rts_process_table *processes;
    struct rts_account *account;
    struct rts_package_source packages;
    struct rts_namer_sink sink;
    const struct rts_share *objects; /* what files take: when that is much, names are looked up file
                                        by file */
    enum rts_id_scheme id_scheme;
    bool find_sockets; /* where processes listen is to be found out */
};

/* Graphs of who called whom that are kept at the same time. */
#define RTS_NAMER_GRAPHS 2

struct rts_namer {
    struct rts_namer_setup setup;
    struct rts_symbol_table *symbols;
    struct rts_graph *graph;      /* the static one; NULL: none was given */
    struct rts_nameless nameless; /* hits of functions without a name */
    uint64_t stack_number;        /* marks symbols that a stack has been counted for */
};

/* What stacks are named into. */
struct rts_namer_target {
    struct rts_window *window;
    struct rts_observed_graph *graphs[RTS_NAMER_GRAPHS]; /* NULL: not wanted */
};

void rts_namer_init(struct rts_namer *namer, const struct rts_namer_setup *setup);

/* No fact holds a string of its symbols any more. */
void rts_namer_finish(struct rts_namer *namer);

/* Reads the static graph whose ids facts are to carry. */
int rts_namer_load_graph(struct rts_namer *namer, const char *path, struct rts_error *error);

/* Names all stacks and empties the table. */
void rts_namer_name_stacks(struct rts_namer *namer, struct rts_stack_table *stacks,
                           const struct rts_namer_target *target);

/* What facts say of a process instance; strings are the process table's. */
struct rts_fact_process rts_namer_process(const struct rts_namer *namer, uint64_t instance);

/* The hottest symbols that are no node of the static graph. */
void rts_namer_list_unjoined(const struct rts_namer *namer, struct rts_run_facts *run);

#endif
