/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the tables within Sampler:MaxMemoryBytes. What is thrown away is read again when it is
 * needed. What stacks, facts and answers point to can only go when these have gone: so between two
 * stacks parts of files can, and after a window everything.
 */
#include "session/session.h"

#include <sys/resource.h>

#include "util/clock.h"
#include "util/heap.h"

void rts_session_open_memory(struct rts_session *session)
{
    struct rlimit files;
    rts_budget_init(&session->memory, session->settings->sampler.max_memory_bytes);
    rts_object_cache_use_share(session->objects, &session->memory.shares[RTS_MEMORY_OBJECTS]);
    /* The other half is for events, processes and what is read at the moment. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
        rts_object_cache_limit_open(session->objects, (size_t)files.rlim_cur / 2);
}

void rts_session_relieve(struct rts_session *session)
{
    struct rts_share *objects = &session->memory.shares[RTS_MEMORY_OBJECTS];
    if (!rts_share_is_over(objects) || session->memory_stuck)
        return;
    rts_object_cache_relieve(session->objects, rts_clock_monotonic_ns());
    /* What is left are not parts. */
    session->memory_stuck = rts_share_is_over(objects);
}

static bool is_unwanted(void *context, struct rts_object *object)
{
    (void)context;
    return rts_object_is_unwanted(object);
}

void rts_session_trim(struct rts_session *session, uint64_t horizon)
{
    const struct rts_object_owner owner = {
        .context = session,
        .forget = rts_session_forget_object,
        .is_unwanted = is_unwanted,
    };
    struct rts_share *objects = &session->memory.shares[RTS_MEMORY_OBJECTS];
    uint64_t before = objects->evictions;
    rts_object_cache_relieve(session->objects, rts_clock_monotonic_ns());
    rts_object_cache_choose(session->objects);
    rts_process_table_reap(session->processes, horizon, &owner);
    rts_object_cache_trim(session->objects);
    if (objects->evictions != before)
        rts_heap_trim();
    session->memory_stuck = false;
}

void rts_session_bound_memory(struct rts_session *session)
{
    bool stuck = session->memory_stuck;
    rts_session_relieve(session);
    /* A trace of our own decides by itself when stacks are named, and holds all its files. */
    if (stuck || !session->memory_stuck || (session->replay && session->replay->has_notes))
        return;
    rts_session_name_stacks(session);
    rts_session_record_names(session);
    if (session->packages)
        rts_package_table_settle(session->packages);
    rts_session_trim(session, 0);
    session->memory_stuck = rts_share_is_over(&session->memory.shares[RTS_MEMORY_OBJECTS]);
}
