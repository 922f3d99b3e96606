/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a window: its distinct stacks are named, and what they hold becomes facts. */
#include "session/session.h"

#include <stdlib.h>

#include "package/debug_package.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"

static struct rts_fact_symbol fact_symbol(const struct rts_session *session,
                                          const struct rts_frame *frame,
                                          const struct rts_symbol *symbol)
{
    const struct rts_object *object = frame->object;
    struct rts_package package = {0};
    const char *file_identity = object && rts_object_is_by_path(object) ? "path" : NULL;
    if (symbol->source == RTS_SYMBOL_NONE)
        object = NULL; /* a file that was not read is of no package that we know */
    else if (session->replay)
        package = rts_replay_package(session->replay, object, symbol->name);
    else if (session->packages)
        package = rts_package_table_find(session->packages, object, symbol->name);
    if (session->packages && object)
        rts_session_record_package(session, object, symbol->name, &package);
    return (struct rts_fact_symbol){
        .file = symbol->likeness,
        .symbol_id = symbol->symbol_id,
        .code_id = symbol->code_id,
        .build_id = symbol->build_id,
        .name = symbol->name,
        .demangled = symbol->demangled,
        .aliases = symbol->aliases,
        .source = rts_symbol_source_name(symbol->source),
        .id_scheme = symbol->id_scheme,
        .join_rule = symbol->join_rule,
        .build_id_is_file_hash = symbol->build_id_is_file_hash,
        .purl = package.purl,
        .stale_mapping = package.stale,
        .module = frame->module,
        .file_identity = file_identity,
        .package_modified = package.modified,
    };
}

/* What has no name could have one: the package with the debug symbols is named in the end. */
static void count_nameless(struct rts_session *session, const struct rts_symbol *symbol,
                           const char *purl, uint64_t hits)
{
    char package[RTS_DEBUG_PACKAGE_SIZE];
    if (symbol->source != RTS_SYMBOL_FDE && symbol->source != RTS_SYMBOL_NONE)
        return;
    session->account.hits_nameless += hits;
    if (purl && rts_debug_package(purl, package))
        rts_nameless_add(&session->nameless, package, hits);
}

/* Counts one symbol of a stack, unless this stack has been counted for it already. */
static void count_symbol(struct rts_session *session, const struct rts_stack_entry *entry,
                         const struct rts_fact_process *process, const struct rts_frame *frame,
                         struct rts_symbol *symbol, bool leaf)
{
    struct rts_symbol *counts = symbol->counts;
    if (counts->last_stack == session->stack_number)
        return;
    counts->last_stack = session->stack_number;
    counts->total_hits += entry->samples;
    counts->leaf_hits += leaf ? entry->samples : 0;
    if (session->graph)
        session->account.joins[symbol->join] += entry->samples;
    struct rts_fact_symbol fact = fact_symbol(session, frame, symbol);
    count_nameless(session, symbol, fact.purl, entry->samples);
    uint64_t load_base = symbol->source == RTS_SYMBOL_NONE ? 0 : frame->load_base;
    rts_window_add(session->window, process, &fact, load_base, entry->samples, entry->first_ns,
                   leaf);
}

static bool is_ours(const struct rts_session *session, const struct rts_process *process)
{
    const struct rts_owners *owners = rts_process_table_owners(session->processes);
    if (session->replay)
        return process->ours;
    return process->container.id[0] == '\0' && rts_owners_is_ours(owners, process->owner);
}

struct rts_fact_process rts_session_fact_process(const struct rts_session *session,
                                                 uint64_t instance)
{
    const struct rts_process *known = rts_process_instance(session->processes, instance);
    return (struct rts_fact_process){
        .instance = instance,
        .pid = known ? known->pid : 0,
        .name = known ? known->name : "",
        .container_id = known && known->container.id[0] ? known->container.id : NULL,
        .container_runtime = known ? known->container.runtime : NULL,
        .socket = known && known->socket[0] ? known->socket : NULL,
        .ours = known && is_ours(session, known),
    };
}

/* The graph of the segment at hand; NULL: there is none. */
static struct rts_observed_graph *segment_graph(const struct rts_session *session)
{
    return session->segments ? session->segments->observed : NULL;
}

static void count_call(struct rts_session *session, const struct rts_stack_entry *entry,
                       const char *caller, const char *callee)
{
    struct rts_observed_graph *const graphs[] = {session->observed, segment_graph(session)};
    for (int i = 0; i < 2; i++)
        if (graphs[i])
            rts_observed_graph_add_call(graphs[i], caller, callee, entry->samples,
                                        session->stack_number);
}

/* Counts who called whom among the functions of a frame, innermost first, and the frame within.
 * Returns the outermost of them. */
static const struct rts_symbol *count_calls(struct rts_session *session,
                                            const struct rts_stack_entry *entry,
                                            const struct rts_symbol *callee,
                                            struct rts_symbol *const *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (callee)
            count_call(session, entry, symbols[i]->symbol_id, callee->symbol_id);
        callee = symbols[i];
    }
    return count > 0 ? callee : NULL;
}

static void count_stack(struct rts_session *session, const struct rts_stack_entry *entry)
{
    struct rts_fact_process process = rts_session_fact_process(session, entry->instance);
    rts_session_record_process(session, &process);
    session->stack_number++;
    const struct rts_symbol *callee = NULL; /* the next inner one; NULL: there is a gap */
    for (uint32_t i = 0; i < entry->frame_count; i++) {
        const struct rts_frame *frame = &entry->frames[i];
        if (!frame->object) {
            callee = NULL;
            continue;
        }
        struct rts_symbol *const *symbols;
        size_t count =
            rts_symbol_table_resolve(session->symbols, frame->object, frame->vaddr, &symbols);
        if (count == 0 && rts_object_has_changed(frame->object))
            session->account.unnamed_changed += entry->samples;
        else if (count == 0)
            session->account.unnamed_no_symbol += entry->samples;
        else if (!rts_object_is_bare(frame->object))
            session->account.frames_symbolized += entry->samples;
        for (size_t j = 0; j < count; j++)
            count_symbol(session, entry, &process, frame, symbols[j], i == 0 && j == 0);
        if (session->observed || session->segments)
            callee = count_calls(session, entry, callee, symbols, count);
    }
}

/* Once in a window for each process, not for each stack. */
static void find_sockets(struct rts_session *session)
{
    uint64_t last = 0;
    if (!session->settings->emit_socket)
        return;
    for (size_t i = 0; i < rts_stack_table_size(session->stacks); i++) {
        uint64_t instance = rts_stack_table_entry(session->stacks, i)->instance;
        struct rts_process *process =
            instance == last ? NULL : rts_process_instance(session->processes, instance);
        last = instance;
        if (process)
            rts_session_find_socket(session, process);
    }
}

static int compare_places(const void *left, const void *right)
{
    const struct rts_frame *a = left, *b = right;
    uint32_t first = rts_object_serial(a->object), second = rts_object_serial(b->object);
    if (first != second)
        return first < second ? -1 : 1;
    return a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

/* All places in files that stacks hold; to be freed. */
static struct rts_frame *list_places(const struct rts_session *session, size_t *count)
{
    struct rts_frame *places = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t i = 0; i < rts_stack_table_size(session->stacks); i++) {
        const struct rts_stack_entry *entry = rts_stack_table_entry(session->stacks, i);
        for (uint32_t j = 0; j < entry->frame_count; j++) {
            if (!entry->frames[j].object)
                continue;
            places = rts_grow(places, *count, &capacity, sizeof *places);
            places[(*count)++] = entry->frames[j];
        }
    }
    return places;
}

/* Where memory is short, files that were read for one stack would go for the next and be read again
 * for that after it: so what they say is asked file by file first, and remembered. */
static void name_by_file(struct rts_session *session)
{
    const struct rts_share *objects = &session->memory.shares[RTS_MEMORY_OBJECTS];
    if (objects->limit == 0 || objects->bytes < objects->limit / 2)
        return;
    size_t count;
    RTS_FREE struct rts_frame *places = list_places(session, &count);
    if (count > 0)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++) {
        struct rts_symbol *const *symbols;
        if (i > 0 && compare_places(&places[i - 1], &places[i]) == 0)
            continue;
        if (i > 0 && places[i - 1].object != places[i].object)
            rts_session_relieve(session);
        rts_symbol_table_resolve(session->symbols, places[i].object, places[i].vaddr, &symbols);
    }
}

void rts_session_name_stacks(struct rts_session *session)
{
    find_sockets(session);
    name_by_file(session);
    for (size_t i = 0; i < rts_stack_table_size(session->stacks); i++) {
        count_stack(session, rts_stack_table_entry(session->stacks, i));
        rts_session_relieve(session);
    }
    rts_stack_table_clear(session->stacks);
}

void rts_session_flush(struct rts_session *session)
{
    rts_session_name_stacks(session);
    if (session->packages) {
        rts_package_table_settle(session->packages);
        const struct rts_package_counts counts = rts_package_table_counts(session->packages);
        session->account.databases_unreadable = counts.unreadable;
        session->account.objects_put_off = counts.put_off;
    }
    uint64_t lines = rts_window_lines(session->window);
    if (lines > 0) {
        session->account.hits += rts_window_hits(session->window);
        session->account.events_emitted += lines;
        session->account.batches++;
        session->account.events_with_purl += rts_window_lines_with_purl(session->window);
        session->account.hits_with_purl += rts_window_hits_with_purl(session->window);
    }
    const char *evidence = rts_session_evidence(session);
    /* Measured anew for each window, so that a long run follows the wall clock. */
    struct rts_fact_options options = {
        .emit_process = session->settings->emit_process,
        .emit_socket = session->settings->emit_socket,
        .emit_loader_base = session->settings->emit_loader_base,
        .emit_build_id = session->settings->collect_build_ids,
        .emit_evidence = evidence != NULL,
        .evidence = evidence,
        .wall_offset_ns =
            session->replay ? session->replay->wall_offset_ns : rts_clock_wall_offset_ns(),
    };
    rts_session_record_flush(session, options.wall_offset_ns);
    rts_buffer_clear(&session->lines);
    if (session->observed)
        rts_observed_graph_add_window(session->observed, session->window, options.wall_offset_ns);
    if (segment_graph(session))
        rts_observed_graph_add_window(segment_graph(session), session->window,
                                      options.wall_offset_ns);
    rts_window_write(session->window, &options, &session->lines);
    if (!session->segments) {
        rts_session_deliver(session, &session->lines, lines);
        return;
    }
    rts_session_hold(session, &session->lines, lines);
    rts_session_turn_segment(session);
}

void rts_session_forget_object(void *context, struct rts_object *object)
{
    struct rts_session *session = context;
    if (rts_object_is_bare(object))
        rts_object_destroy(object); /* nobody shares it */
    else
        rts_object_cache_unref(session->objects, object);
}
