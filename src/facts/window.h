/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of one flush window: hits per (process instance, symbol of a file). A symbol counts
 * once per sample, however often it recurs in that sample's stack. Pure: values in, NDJSON bytes
 * out.
 */
#ifndef RTS_FACTS_WINDOW_H
#define RTS_FACTS_WINDOW_H

#include "facts/outgoing.h"
#include "types.h"
#include "util/buffer.h"
#include "util/share.h"

/* What identity knows of one symbol, as plain strings. All are borrowed and must live until the
 * window is written. NULL: leave the field out. */
struct rts_fact_symbol {
    uint64_t file; /* tells files apart whose functions have the same ids; 0: there are none */
    const char *symbol_id;
    const char *code_id;
    const char *build_id;
    const char *name;
    const char *demangled;
    const char *aliases;
    const char *source;        /* metadata.symbolSource */
    const char *id_scheme;     /* metadata.idScheme */
    const char *join_rule;     /* metadata.join */
    const char *purl;          /* the package that the code is of */
    const char *stale_mapping; /* metadata.staleMapping */
    const char *module;        /* metadata.module; of the earliest hit that knows it, copied */
    const char *file_identity; /* metadata.fileIdentity */
    bool build_id_is_file_hash;
    bool package_modified; /* metadata.packageModified */
};

/* What is known of a process instance; strings borrowed like those above. */
struct rts_fact_process {
    uint64_t instance;
    int32_t pid;
    const char *name;                             /* comm */
    const char *container_id, *container_runtime; /* NULL: in none, or not known */
    const char *socket;                           /* where it listens; NULL: not known */
    bool ours; /* of root or of our own user, in no container: believed before others */
};

struct rts_window;

struct rts_window *rts_window_create(void);
void rts_window_destroy(struct rts_window *window);

/* Counts there what the lines take, with the text that they become. It must outlive the window. */
void rts_window_use_share(struct rts_window *window, struct rts_share *share);

/* Adds `samples` samples that hold `symbol` somewhere in their stack: `leaf` when the innermost
 * function is this one. The caller calls this at most once per (stack, symbol). Lines are keyed by
 * (instance, file, symbol_id): the first symbol value seen for a key is used. `first_ns`: time of
 * the first of these samples; the line's observedAt is the earliest. `load_base` 0: unknown; the
 * one of the earliest hit that knows it is used. `samples` 0 adds nothing. */
void rts_window_add(struct rts_window *window, const struct rts_fact_process *process,
                    const struct rts_fact_symbol *symbol, uint64_t load_base, uint64_t samples,
                    uint64_t first_ns, bool leaf);

/* Number of lines and the sum of their hitCounts. */
size_t rts_window_lines(const struct rts_window *window);
uint64_t rts_window_hits(const struct rts_window *window);

/* One line as values, for those that count over several windows; borrowed from the window. */
struct rts_window_line {
    const struct rts_fact_symbol *symbol;
    uint64_t samples, leaf_samples;
    uint64_t first_ns;
    bool ours; /* its process is */
};

/* The line number `i`, of rts_window_lines(), in no particular order. */
struct rts_window_line rts_window_line(const struct rts_window *window, size_t i);

/* How many of the lines name a package. */
size_t rts_window_lines_with_purl(const struct rts_window *window);
uint64_t rts_window_hits_with_purl(const struct rts_window *window);

/* Appends the lines, sorted by observedAt (as written: milliseconds), then symbolId, then the
 * line's bytes, each ended by LF, and empties the window. Each field passes the gate of outgoing.h,
 * which has their order and says what leaves. */
void rts_window_write(struct rts_window *window, const struct rts_fact_options *options,
                      struct rts_buffer *out);

#endif
