/* SPDX-License-Identifier: Apache-2.0 */
#include "naming/namer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "package/debug_package.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"

/* A server opens its socket some time after its start; one that has none after so many windows is
 * none. */
#define SOCKET_LOOKS_MAX 5

static struct rts_fact_symbol fact_symbol(const struct rts_namer *namer,
                                          const struct rts_frame *frame,
                                          const struct rts_symbol *symbol)
{
    const struct rts_namer_setup *setup = &namer->setup;
    const struct rts_object *object = frame->object;
    struct rts_package package = {0};
    const char *file_identity = object && rts_object_is_by_path(object) ? "path" : NULL;
    /* A file that was not read is of no package that we know. */
    if (object && symbol->source != RTS_SYMBOL_NONE && setup->packages.find) {
        package = setup->packages.find(setup->packages.context, object, symbol->name);
        setup->sink.package_said(setup->sink.context, object, symbol->name, &package);
    }
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
static void count_nameless(struct rts_namer *namer, const struct rts_symbol *symbol,
                           const char *purl, uint64_t hits)
{
    char package[RTS_DEBUG_PACKAGE_SIZE];
    if (symbol->source != RTS_SYMBOL_FDE && symbol->source != RTS_SYMBOL_NONE)
        return;
    namer->setup.account->hits_nameless += hits;
    if (purl && rts_debug_package(purl, package))
        rts_nameless_add(&namer->nameless, package, hits);
}

/* Counts one symbol of a stack, unless this stack has been counted for it already. */
static void count_symbol(struct rts_namer *namer, struct rts_window *window,
                         const struct rts_stack_entry *entry,
                         const struct rts_fact_process *process, const struct rts_frame *frame,
                         struct rts_symbol *symbol, bool leaf)
{
    struct rts_symbol *counts = symbol->counts;
    if (counts->last_stack == namer->stack_number)
        return;
    counts->last_stack = namer->stack_number;
    counts->total_hits += entry->samples;
    counts->leaf_hits += leaf ? entry->samples : 0;
    if (namer->graph)
        namer->setup.account->joins[symbol->join] += entry->samples;
    struct rts_fact_symbol fact = fact_symbol(namer, frame, symbol);
    count_nameless(namer, symbol, fact.purl, entry->samples);
    uint64_t load_base = symbol->source == RTS_SYMBOL_NONE ? 0 : frame->load_base;
    rts_window_add(window, process, &fact, load_base, entry->samples, entry->first_ns, leaf);
}

struct rts_fact_process rts_namer_process(const struct rts_namer *namer, uint64_t instance)
{
    const struct rts_process *known = rts_process_instance(namer->setup.processes, instance);
    return (struct rts_fact_process){
        .instance = instance,
        .pid = known ? known->pid : 0,
        .name = known ? known->name : "",
        .container_id = known && known->container.id[0] ? known->container.id : NULL,
        .container_runtime = known ? known->container.runtime : NULL,
        .socket = known && known->socket[0] ? known->socket : NULL,
        .ours = known && rts_process_is_ours(namer->setup.processes, known),
    };
}

static void count_call(const struct rts_namer *namer, const struct rts_namer_target *target,
                       const struct rts_stack_entry *entry, const char *caller, const char *callee)
{
    for (int i = 0; i < RTS_NAMER_GRAPHS; i++)
        if (target->graphs[i])
            rts_observed_graph_add_call(target->graphs[i], caller, callee, entry->samples,
                                        namer->stack_number);
}

/* Counts who called whom among the functions of a frame, innermost first, and the frame within.
 * Returns the outermost of them. */
static const struct rts_symbol *count_calls(const struct rts_namer *namer,
                                            const struct rts_namer_target *target,
                                            const struct rts_stack_entry *entry,
                                            const struct rts_symbol *callee,
                                            struct rts_symbol *const *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (callee)
            count_call(namer, target, entry, symbols[i]->symbol_id, callee->symbol_id);
        callee = symbols[i];
    }
    return count > 0 ? callee : NULL;
}

static void count_stack(struct rts_namer *namer, const struct rts_namer_target *target,
                        const struct rts_stack_entry *entry)
{
    const struct rts_namer_sink *sink = &namer->setup.sink;
    struct rts_fact_process process = rts_namer_process(namer, entry->instance);
    sink->process_said(sink->context, &process);
    namer->stack_number++;
    const struct rts_symbol *callee = NULL; /* the next inner one; NULL: there is a gap */
    for (uint32_t i = 0; i < entry->frame_count; i++) {
        const struct rts_frame *frame = &entry->frames[i];
        if (!frame->object) {
            callee = NULL;
            continue;
        }
        struct rts_symbol *const *symbols;
        size_t count =
            rts_symbol_table_resolve(namer->symbols, frame->object, frame->vaddr, &symbols);
        if (count == 0 && rts_object_has_changed(frame->object))
            namer->setup.account->unnamed_changed += entry->samples;
        else if (count == 0)
            namer->setup.account->unnamed_no_symbol += entry->samples;
        else if (!rts_object_is_bare(frame->object))
            namer->setup.account->frames_symbolized += entry->samples;
        for (size_t j = 0; j < count; j++)
            count_symbol(namer, target->window, entry, &process, frame, symbols[j],
                         i == 0 && j == 0);
        callee = count_calls(namer, target, entry, callee, symbols, count);
    }
}

static void find_socket(const struct rts_namer *namer, struct rts_process *process)
{
    const struct rts_proc *proc = rts_process_table_proc(namer->setup.processes);
    if (!proc->root || process->socket[0] || process->socket_looks == SOCKET_LOOKS_MAX)
        return;
    process->socket_looks++;
    rts_socket_listening(proc, process->view, process->socket);
}

/* Once in a window for each process, not for each stack. */
static void find_sockets(const struct rts_namer *namer, const struct rts_stack_table *stacks)
{
    uint64_t last = 0;
    if (!namer->setup.find_sockets)
        return;
    for (size_t i = 0; i < rts_stack_table_size(stacks); i++) {
        uint64_t instance = rts_stack_table_entry(stacks, i)->instance;
        struct rts_process *process =
            instance == last ? NULL : rts_process_instance(namer->setup.processes, instance);
        last = instance;
        if (process)
            find_socket(namer, process);
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
static struct rts_frame *list_places(const struct rts_stack_table *stacks, size_t *count)
{
    struct rts_frame *places = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t i = 0; i < rts_stack_table_size(stacks); i++) {
        const struct rts_stack_entry *entry = rts_stack_table_entry(stacks, i);
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
static void name_by_file(struct rts_namer *namer, const struct rts_stack_table *stacks)
{
    const struct rts_namer_sink *sink = &namer->setup.sink;
    const struct rts_share *objects = namer->setup.objects;
    if (objects->limit == 0 || objects->bytes < objects->limit / 2)
        return;
    size_t count;
    RTS_FREE struct rts_frame *places = list_places(stacks, &count);
    if (count > 0)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++) {
        struct rts_symbol *const *symbols;
        if (i > 0 && compare_places(&places[i - 1], &places[i]) == 0)
            continue;
        if (i > 0 && places[i - 1].object != places[i].object)
            sink->relieve(sink->context);
        rts_symbol_table_resolve(namer->symbols, places[i].object, places[i].vaddr, &symbols);
    }
}

void rts_namer_name_stacks(struct rts_namer *namer, struct rts_stack_table *stacks,
                           const struct rts_namer_target *target)
{
    const struct rts_namer_sink *sink = &namer->setup.sink;
    find_sockets(namer, stacks);
    name_by_file(namer, stacks);
    for (size_t i = 0; i < rts_stack_table_size(stacks); i++) {
        count_stack(namer, target, rts_stack_table_entry(stacks, i));
        sink->relieve(sink->context);
    }
    rts_stack_table_clear(stacks);
}

/* ---- the static graph ---- */

int rts_namer_load_graph(struct rts_namer *namer, const char *path, struct rts_error *error)
{
    namer->graph = rts_graph_load(path, error);
    if (!namer->graph)
        return -1;
    uint64_t nodes = rts_graph_nodes(namer->graph);
    uint64_t joinable = rts_graph_joinable(namer->graph);
    if (joinable < nodes)
        rts_log("%s: only %" PRIu64 " of %" PRIu64
                " nodes say which file they are of, and an address or a name",
                path, joinable, nodes);
    namer->setup.account->graph_nodes = nodes;
    rts_symbol_table_use_graph(namer->symbols, namer->graph);
    return 0;
}

void rts_namer_list_unjoined(const struct rts_namer *namer, struct rts_run_facts *run)
{
    size_t position = 0;
    if (!namer->graph)
        return;
    for (const struct rts_symbol *symbol;
         (symbol = rts_symbol_table_next(namer->symbols, &position));) {
        struct rts_unjoined unjoined = {
            .symbol = symbol->name,
            .build_id = symbol->build_id,
            .hits = symbol->total_hits,
            .reason = symbol->join,
        };
        if (symbol->join != RTS_JOIN_JOINED && symbol->total_hits > 0)
            rts_run_facts_add_unjoined(run, &unjoined);
    }
}

/* ---- beginning and end ---- */

void rts_namer_init(struct rts_namer *namer, const struct rts_namer_setup *setup)
{
    *namer = (struct rts_namer){
        .setup = *setup,
        .symbols = rts_symbol_table_create(setup->id_scheme),
    };
}

void rts_namer_finish(struct rts_namer *namer)
{
    rts_symbol_table_destroy(namer->symbols);
    rts_graph_destroy(namer->graph);
    rts_nameless_finish(&namer->nameless);
}
