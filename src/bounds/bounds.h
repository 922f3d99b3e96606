/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the tables within Sampler:MaxMemoryBytes. What is thrown away is read again when it is
 * needed. What stacks, facts and answers point to can only go when these have gone: so between two
 * stacks parts of files can, and after a window everything.
 */
#ifndef RTS_BOUNDS_BOUNDS_H
#define RTS_BOUNDS_BOUNDS_H

#include "binary/object_cache.h"
#include "facts/budget.h"
#include "facts/stack_table.h"
#include "facts/window.h"
#include "package/package_table.h"
#include "process/cgroup_ids.h"
#include "process/process.h"
#include "sampler/mapped_object.h"
#include "symbols/symbol.h"
#include "unwind/rule_cache.h"

/* What is bounded; borrowed. */
struct rts_bounded_tables {
    struct rts_object_cache *objects;
    struct rts_symbol_table *symbols;
    struct rts_rule_cache *rules;
    struct rts_stack_table *stacks;
    struct rts_window *window;
    struct rts_process_table *processes;
    struct rts_cgroup_ids *cgroups;
    struct rts_package_table *packages; /* NULL: there is none */
    const struct rts_code_map *code_map;
};

struct rts_bounds {
    struct rts_bounded_tables tables;
    struct rts_budget memory;
    struct rts_ledger ledgers[RTS_MEMORY_COUNT]; /* of those tables that know owners */
    bool owner_said[RTS_OWNERS_MAX];             /* that it takes more than its share */
    uint64_t refusals_seen;                      /* of code_map->files_refused */
    size_t mappings_grown;                       /* bytes, since they were bounded */
    uint64_t evictions_given_back;               /* of files, when the heap was last trimmed */
    bool stuck; /* nothing more can be given back before the window ends */
};

/* Divides `limit` bytes (0: none) among the tables, which must outlive the bounds. */
void rts_bounds_init(struct rts_bounds *bounds, const struct rts_bounded_tables *tables,
                     uint64_t limit);

/* Gives back parts of files when they take too much; between any two stacks. */
void rts_bounds_relieve(struct rts_bounds *bounds);

/* The same after a sample was counted. Are there too many stacks, so that they are to be named? Or
 * have whole files to go, for which that is needed, and rts_bounds_release_files() after it? */
bool rts_bounds_want_names(struct rts_bounds *bounds, bool *short_of_files);

/* Do facts or symbols take so much that the window is to end? Then that is counted. */
bool rts_bounds_want_flush(struct rts_bounds *bounds);

/* Closes files. No stack holds an object. */
void rts_bounds_release_files(struct rts_bounds *bounds);

/* When mappings have grown much since the last time, forgets those of whoever has too many; between
 * any two records. */
void rts_bounds_look_at_mappings(struct rts_bounds *bounds);

/* At the end of a window: gives back what nothing needs, processes that ended before `horizon`, and
 * what is over the limits. */
void rts_bounds_trim(struct rts_bounds *bounds, uint64_t horizon);

/* By whom how much was let go of so far. */
void rts_bounds_list_owners(const struct rts_bounds *bounds, struct rts_memory_owners *owners);

/* Gives back the reference that a mapped file holds: what rts_process_table_destroy() calls.
 * `objects` is the cache. */
void rts_bounds_forget_object(void *objects, struct rts_object *object);

#endif
