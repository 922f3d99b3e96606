/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the tables within Sampler:MaxMemoryBytes. What is thrown away is read again when it is
 * needed. What stacks, facts and answers point to can only go when these have gone: so between two
 * stacks parts of files can, and after a window everything.
 */
#include "session/session.h"

#include <sys/resource.h>

#include "util/buffer.h"
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

/* Room for text of a window that is kept for the next one. */
#define LINES_KEPT ((size_t)1 << 20)

static void forget_packages(void *packages, uint32_t serial)
{
    rts_package_table_forget(packages, serial);
}

void rts_session_open_memory(struct rts_session *session)
{
    struct rlimit files;
    rts_budget_init(&session->memory, session->settings->sampler.max_memory_bytes);
    struct rts_share *shares = session->memory.shares;
    static const enum rts_memory_table owned[] = {RTS_MEMORY_OBJECTS, RTS_MEMORY_SYMBOLS,
                                                  RTS_MEMORY_PROCESSES};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        shares[owned[i]].ledger = &session->ledgers[owned[i]];
    rts_object_cache_use_share(session->objects, &shares[RTS_MEMORY_OBJECTS]);
    rts_symbol_table_use_share(session->symbols, &shares[RTS_MEMORY_SYMBOLS]);
    rts_rule_cache_use_share(session->rules, &shares[RTS_MEMORY_RULES]);
    rts_stack_table_use_share(session->stacks, &shares[RTS_MEMORY_STACKS]);
    rts_window_use_share(session->window, &shares[RTS_MEMORY_WINDOW]);
    if (session->packages) {
        rts_package_table_use_share(session->packages, &shares[RTS_MEMORY_PACKAGES]);
        rts_object_cache_tell(session->objects, forget_packages, session->packages);
    }
    /* The other half is for events, processes and what is read at the moment. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
        rts_object_cache_limit_open(session->objects, (size_t)files.rlim_cur / 2);
}

/* What was freed since the last time lies between what is in use: its pages go to the system, which
 * halves what is resident where files come and go. */
static void give_back(struct rts_session *session)
{
    uint64_t evictions = session->memory.shares[RTS_MEMORY_OBJECTS].evictions;
    if (evictions != session->evictions_given_back)
        rts_heap_trim();
    session->evictions_given_back = evictions;
}

/* The same within a window, when much was freed: it takes some milliseconds. */
static void give_back_many(struct rts_session *session)
{
    uint64_t evictions = session->memory.shares[RTS_MEMORY_OBJECTS].evictions;
    if (evictions - session->evictions_given_back >= EVICTIONS_MANY)
        give_back(session);
}

void rts_session_relieve(struct rts_session *session)
{
    struct rts_share *objects = &session->memory.shares[RTS_MEMORY_OBJECTS];
    if (!rts_share_is_over(objects) || session->memory_stuck)
        return;
    rts_object_cache_relieve(session->objects);
    /* What is left are not parts. */
    session->memory_stuck = rts_share_is_over(objects);
    give_back_many(session);
}

static bool is_unwanted(void *context, struct rts_object *object)
{
    (void)context;
    return rts_object_is_unwanted(object);
}

/* No stack holds an object. */
static void release_objects(struct rts_session *session, uint64_t horizon)
{
    const struct rts_object_owner owner = {
        .context = session,
        .forget = rts_session_forget_object,
        .is_unwanted = is_unwanted,
    };
    rts_object_cache_relieve(session->objects);
    rts_object_cache_choose(session->objects);
    rts_process_table_reap(session->processes, horizon, &owner);
    rts_object_cache_trim(session->objects);
    give_back(session);
}

/* Processes that live cannot be forgotten, what is mapped in them can. */
static void bound_processes(struct rts_session *session)
{
    struct rts_share *share = &session->memory.shares[RTS_MEMORY_PROCESSES];
    for (int round = 0; round < 2; round++) {
        size_t bytes =
            rts_process_table_bytes(session->processes) + rts_cgroup_ids_bytes(session->cgroups);
        rts_share_change(share, share->bytes, bytes);
        size_t excess = round == 0 ? rts_share_excess(share) : 0;
        if (excess == 0)
            return;
        struct rts_losses losses;
        rts_process_table_list(session->processes, share->ledger);
        rts_ledger_divide(share->ledger, share->limit, excess, &losses);
        rts_process_table_shed(session->processes, &losses, share);
    }
}

void rts_session_bound_processes(struct rts_session *session)
{
    const struct rts_share *share = &session->memory.shares[RTS_MEMORY_PROCESSES];
    session->mappings_grown += rts_process_table_copied(session->processes);
    if (share->limit == 0 || session->mappings_grown < share->limit)
        return;
    session->mappings_grown = 0;
    bound_processes(session);
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

static void say_pressed(struct rts_session *session, unsigned owner, const char *things,
                        const char *of)
{
    char digest[RTS_OWNER_DIGEST_SIZE];
    if (session->owner_said[owner])
        return;
    session->owner_said[owner] = true;
    rts_owners_digest(rts_process_table_owners(session->processes), owner, digest);
    rts_log("owner %s: more %s than its share of %s: what is known of them is let go of first",
            digest, things, of);
}

/* Once for each owner, where others needed what it had. */
static void say_owners(struct rts_session *session)
{
    const struct rts_ledger *files = rts_object_cache_files(session->objects);
    for (unsigned owner = 0; owner < RTS_OWNERS_MAX; owner++) {
        if (files->pressed[owner])
            say_pressed(session, owner, "files", "open files (ulimit -n)");
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            if (session->ledgers[table].pressed[owner])
                say_pressed(session, owner, things_in(table), "Sampler:MaxMemoryBytes");
    }
}

void rts_session_list_owners(const struct rts_session *session, struct rts_memory_owners *owners)
{
    *owners = (struct rts_memory_owners){.count = 0};
    for (unsigned i = 0; i < RTS_OWNERS_MAX; i++) {
        struct rts_memory_owner owner = {.digest = ""};
        for (unsigned table = 0; table < RTS_MEMORY_COUNT; table++)
            owner.evictions[table] = session->ledgers[table].evictions[i];
        rts_owners_digest(rts_process_table_owners(session->processes), i, owner.digest);
        rts_memory_owners_add(owners, &owner);
    }
}

void rts_session_trim(struct rts_session *session, uint64_t horizon)
{
    rts_symbol_table_trim(session->symbols);
    rts_object_cache_age(session->objects, rts_clock_monotonic_ns());
    release_objects(session, horizon);
    bound_processes(session);
    if (session->packages)
        rts_package_table_trim(session->packages);
    if (session->lines.capacity > LINES_KEPT) {
        rts_buffer_finish(&session->lines);
        session->lines = (struct rts_buffer)RTS_BUFFER_INIT;
    }
    session->memory_stuck = false;
    say_owners(session);
}

/* Names the stacks so far, after which nothing holds an object. */
static void name_early(struct rts_session *session)
{
    rts_session_name_stacks(session);
    rts_session_record_names(session);
}

/* In a replay of our own traces it is noted when stacks are named and windows end, whatever the
 * limit was: what is known of packages at that moment stands just before. One of perf's traces ends
 * windows by their length alone. */
static bool may_flush_early(const struct rts_session *session)
{
    return !session->replay;
}

static bool may_name_early(const struct rts_session *session)
{
    return !session->replay || !session->replay->has_notes;
}

/* There was no descriptor for a file: then those that are held have to be fewer. */
static bool say_refused(struct rts_session *session)
{
    bool again = session->refusals_seen > 0;
    if (session->code_map.files_refused == session->refusals_seen)
        return false;
    session->refusals_seen = session->code_map.files_refused;
    size_t half = rts_object_cache_open(session->objects) / 2;
    rts_object_cache_limit_open(session->objects, half > FILES_LEAST ? half : FILES_LEAST);
    if (!again)
        rts_log("no more files can be opened (ulimit -n, or fs.file-max): others are closed, and "
                "some functions may be without their names until then");
    return true;
}

void rts_session_bound_memory(struct rts_session *session)
{
    const struct rts_share *shares = session->memory.shares;
    bool stuck = session->memory_stuck;
    rts_session_relieve(session);
    if (!may_name_early(session))
        return;
    bool refused = say_refused(session);
    bool short_of_files = (session->memory_stuck && !stuck) || refused ||
                          rts_object_cache_is_crowded(session->objects);
    if (rts_share_is_over(&shares[RTS_MEMORY_STACKS]) ||
        rts_stack_table_bytes(session->stacks) > STACKS_BYTES_MAX || short_of_files)
        name_early(session);
    if (may_flush_early(session) && (rts_share_is_over(&shares[RTS_MEMORY_WINDOW]) ||
                                     rts_share_is_over(&shares[RTS_MEMORY_SYMBOLS]))) {
        session->memory.shares[RTS_MEMORY_WINDOW].evictions++;
        rts_session_flush(session);
        rts_session_trim(session, 0);
    } else if (short_of_files) {
        if (session->packages)
            rts_package_table_settle(session->packages);
        release_objects(session, 0);
        session->memory_stuck = rts_share_is_over(&shares[RTS_MEMORY_OBJECTS]);
    }
}
