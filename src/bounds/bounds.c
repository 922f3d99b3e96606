/* SPDX-License-Identifier: Apache-2.0 */
#include "bounds/bounds.h"

#include <sys/resource.h>

#include "util/clock.h"
#include "util/heap.h"
#include "util/log.h"

/* Distinct stacks that wait for their names, where nothing else bounds them: deep recursion makes
 * every sample another one. */
#define STACKS_BYTES_MAX ((size_t)64 << 20)

/* Files whose parts were freed: some 5 MiB of them. */
#define EVICTIONS_MANY 32

/* Descriptors of files that are held however short they are: some for the one that is read. */
#define FILES_LEAST 16

static void forget_packages(void *packages, uint32_t serial)
{
    rts_package_table_forget(packages, serial);
}

void rts_bounds_init(struct rts_bounds *bounds, const struct rts_bounded_tables *tables,
                     uint64_t limit)
{
    static const enum rts_memory_table owned[] = {RTS_MEMORY_OBJECTS, RTS_MEMORY_SYMBOLS,
                                                  RTS_MEMORY_PROCESSES};
    struct rlimit files;
    *bounds = (struct rts_bounds){.tables = *tables};
    rts_budget_init(&bounds->memory, limit);
    struct rts_share *shares = bounds->memory.shares;
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        shares[owned[i]].ledger = &bounds->ledgers[owned[i]];
    rts_object_cache_use_share(tables->objects, &shares[RTS_MEMORY_OBJECTS]);
    rts_symbol_table_use_share(tables->symbols, &shares[RTS_MEMORY_SYMBOLS]);
    rts_rule_cache_use_share(tables->rules, &shares[RTS_MEMORY_RULES]);
    rts_stack_table_use_share(tables->stacks, &shares[RTS_MEMORY_STACKS]);
    rts_window_use_share(tables->window, &shares[RTS_MEMORY_WINDOW]);
    if (tables->packages) {
        rts_package_table_use_share(tables->packages, &shares[RTS_MEMORY_PACKAGES]);
        rts_object_cache_tell(tables->objects, forget_packages, tables->packages);
    }
    /* The other half is for events, processes and what is read at the moment. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
        rts_object_cache_limit_open(tables->objects, (size_t)files.rlim_cur / 2);
}

/* What was freed since the last time lies between what is in use: its pages go to the system, which
 * halves what is resident where files come and go. */
static void give_back(struct rts_bounds *bounds)
{
    uint64_t evictions = bounds->memory.shares[RTS_MEMORY_OBJECTS].evictions;
    if (evictions != bounds->evictions_given_back)
        rts_heap_trim();
    bounds->evictions_given_back = evictions;
}

/* The same within a window, when much was freed: it takes some milliseconds. */
static void give_back_many(struct rts_bounds *bounds)
{
    uint64_t evictions = bounds->memory.shares[RTS_MEMORY_OBJECTS].evictions;
    if (evictions - bounds->evictions_given_back >= EVICTIONS_MANY)
        give_back(bounds);
}

void rts_bounds_relieve(struct rts_bounds *bounds)
{
    struct rts_share *objects = &bounds->memory.shares[RTS_MEMORY_OBJECTS];
    if (!rts_share_is_over(objects) || bounds->stuck)
        return;
    rts_object_cache_relieve(bounds->tables.objects);
    /* What is left are not parts. */
    bounds->stuck = rts_share_is_over(objects);
    give_back_many(bounds);
}

void rts_bounds_forget_object(void *objects, struct rts_object *object)
{
    if (rts_object_is_bare(object))
        rts_object_destroy(object); /* nobody shares it */
    else
        rts_object_cache_unref(objects, object);
}

static bool is_unwanted(void *context, struct rts_object *object)
{
    (void)context;
    return rts_object_is_unwanted(object);
}

static unsigned whose(void *context, const struct rts_object *object)
{
    (void)context;
    return rts_object_owner(object);
}

/* No stack holds an object. */
static void release_objects(struct rts_bounds *bounds, uint64_t horizon)
{
    const struct rts_object_owner owner = {
        .context = bounds->tables.objects,
        .forget = rts_bounds_forget_object,
        .is_unwanted = is_unwanted,
        .whose = whose,
    };
    rts_object_cache_relieve(bounds->tables.objects);
    rts_object_cache_choose(bounds->tables.objects);
    rts_process_table_reap(bounds->tables.processes, horizon, &owner);
    rts_object_cache_trim(bounds->tables.objects);
    give_back(bounds);
}

/* Processes that live cannot be forgotten, what is mapped in them can. */
static void bound_processes(struct rts_bounds *bounds)
{
    struct rts_share *share = &bounds->memory.shares[RTS_MEMORY_PROCESSES];
    for (int round = 0; round < 2; round++) {
        size_t bytes = rts_process_table_bytes(bounds->tables.processes) +
                       rts_cgroup_ids_bytes(bounds->tables.cgroups);
        rts_share_change(share, share->bytes, bytes);
        size_t excess = round == 0 ? rts_share_excess(share) : 0;
        if (excess == 0)
            return;
        struct rts_losses losses;
        rts_process_table_list(bounds->tables.processes, share->ledger);
        rts_ledger_divide(share->ledger, share->limit, excess, &losses);
        rts_process_table_shed(bounds->tables.processes, &losses, share);
    }
}

void rts_bounds_look_at_mappings(struct rts_bounds *bounds)
{
    const struct rts_share *share = &bounds->memory.shares[RTS_MEMORY_PROCESSES];
    bounds->mappings_grown += rts_process_table_copied(bounds->tables.processes);
    if (share->limit == 0 || bounds->mappings_grown < share->limit)
        return;
    bounds->mappings_grown = 0;
    bound_processes(bounds);
}

/* What people call the things in a table. */
static const char *things_in(enum rts_memory_table table)
{
    switch (table) {
    case RTS_MEMORY_OBJECTS: return "files";
    case RTS_MEMORY_SYMBOLS: return "functions";
    case RTS_MEMORY_PROCESSES: return "mappings";
    default: return "things";
    }
}

static void say_pressed(struct rts_bounds *bounds, unsigned owner, const char *things,
                        const char *of)
{
    char digest[RTS_OWNER_DIGEST_SIZE];
    if (bounds->owner_said[owner])
        return;
    bounds->owner_said[owner] = true;
    rts_owners_digest(rts_process_table_owners(bounds->tables.processes), owner, digest);
    rts_log("owner %s: more %s than its share of %s: what is known of them is let go of first",
            digest, things, of);
}

/* Once for each owner, where others needed what it had. */
static void say_owners(struct rts_bounds *bounds)
{
    const struct rts_ledger *files = rts_object_cache_files(bounds->tables.objects);
    const struct rts_ledger *idle = rts_process_table_idle_files(bounds->tables.processes);
    for (unsigned owner = 0; owner < RTS_OWNERS_MAX; owner++) {
        if (files->pressed[owner])
            say_pressed(bounds, owner, "files", "open files (ulimit -n)");
        if (idle->pressed[owner])
            say_pressed(bounds, owner, "files", "the room for programs that have ended");
        if (rts_process_table_put_off(bounds->tables.processes, owner) > 0)
            say_pressed(bounds, owner, "mappings", "the time that it takes to read them");
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            if (bounds->ledgers[table].pressed[owner])
                say_pressed(bounds, owner, things_in(table), "Sampler:MaxMemoryBytes");
    }
}

void rts_bounds_list_owners(const struct rts_bounds *bounds, struct rts_memory_owners *owners)
{
    *owners = (struct rts_memory_owners){.count = 0};
    for (unsigned i = 0; i < RTS_OWNERS_MAX; i++) {
        struct rts_memory_owner owner = {.digest = ""};
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            owner.evictions[table] = bounds->ledgers[table].evictions[i];
        owner.evictions[RTS_MEMORY_PROCESSES] +=
            rts_process_table_idle_files(bounds->tables.processes)->evictions[i] +
            rts_process_table_put_off(bounds->tables.processes, i);
        rts_owners_digest(rts_process_table_owners(bounds->tables.processes), i, owner.digest);
        rts_memory_owners_add(owners, &owner);
    }
}

void rts_bounds_trim(struct rts_bounds *bounds, uint64_t horizon)
{
    const struct rts_bounded_tables *tables = &bounds->tables;
    rts_symbol_table_trim(tables->symbols);
    rts_object_cache_age(tables->objects, rts_clock_monotonic_ns());
    release_objects(bounds, horizon);
    bound_processes(bounds);
    if (tables->packages)
        rts_package_table_trim(tables->packages);
    bounds->stuck = false;
    say_owners(bounds);
}

/* There was no descriptor for a file: then those that are held have to be fewer. */
static bool say_refused(struct rts_bounds *bounds)
{
    bool again = bounds->refusals_seen > 0;
    if (bounds->tables.code_map->files_refused == bounds->refusals_seen)
        return false;
    bounds->refusals_seen = bounds->tables.code_map->files_refused;
    size_t half = rts_object_cache_open(bounds->tables.objects) / 2;
    rts_object_cache_limit_open(bounds->tables.objects, half > FILES_LEAST ? half : FILES_LEAST);
    if (!again)
        rts_log("no more files can be opened (ulimit -n, or fs.file-max): others are closed, and "
                "some functions may have no names until then");
    return true;
}

bool rts_bounds_want_names(struct rts_bounds *bounds, bool *short_of_files)
{
    const struct rts_bounded_tables *tables = &bounds->tables;
    bool stuck = bounds->stuck;
    rts_bounds_relieve(bounds);
    bool refused = say_refused(bounds);
    *short_of_files =
        (bounds->stuck && !stuck) || refused || rts_object_cache_is_crowded(tables->objects);
    return *short_of_files || rts_share_is_over(&bounds->memory.shares[RTS_MEMORY_STACKS]) ||
           rts_stack_table_bytes(tables->stacks) > STACKS_BYTES_MAX;
}

bool rts_bounds_want_flush(struct rts_bounds *bounds)
{
    struct rts_share *shares = bounds->memory.shares;
    bool wanted = rts_share_is_over(&shares[RTS_MEMORY_WINDOW]) ||
                  rts_share_is_over(&shares[RTS_MEMORY_SYMBOLS]);
    shares[RTS_MEMORY_WINDOW].evictions += wanted;
    return wanted;
}

void rts_bounds_release_files(struct rts_bounds *bounds)
{
    if (bounds->tables.packages)
        rts_package_table_settle(bounds->tables.packages);
    release_objects(bounds, 0);
    bounds->stuck = rts_share_is_over(&bounds->memory.shares[RTS_MEMORY_OBJECTS]);
}
