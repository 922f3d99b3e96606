/* SPDX-License-Identifier: Apache-2.0 */
#include "session/line.h"

#include <config.h>

#include "sampler/sampler.h"
#include "util/log.h"
#include "util/own_memory.h"

/* Objects that are kept for the next process when no running one maps them. */
#define IDLE_OBJECTS_MAX 256

/* Room for text of a window that is kept for the next one. */
#define LINES_KEPT ((size_t)1 << 20)

/* ---- a sample ---- */

static void account_stack(struct rts_account *account, const struct rts_stack *stack)
{
    account->stops[stack->stop]++;
    for (uint32_t i = 0; i < stack->count; i++) {
        account->frames_by_unwinder[stack->frames[i].unwinder]++;
        account->copied_same += stack->frames[i].text == RTS_FRAME_COPY;
        account->copied_different += stack->frames[i].text == RTS_FRAME_DIFFERENT;
        if (stack->kinds[i] == RTS_CODE_ANONYMOUS)
            account->unnamed_anonymous++;
        else if (stack->kinds[i] != RTS_CODE_OBJECT)
            account->unnamed_no_file++;
    }
}

static void account_sample(struct rts_account *account, const struct rts_kept *kept)
{
    account->samples_kept++;
    account->kernel_side += kept->record->sample.kernel_mode;
    account->processes += !kept->process->counted;
    kept->process->counted = true;
    account_stack(account, kept->stack);
}

static void record_sample(const struct rts_line *line, const struct rts_kept *kept)
{
    if (!line->recorders.of_run && !line->recorders.of_segment)
        return;
    const struct rts_fact_process facts = rts_namer_process(&line->namer, kept->process->instance);
    rts_recorders_sample(&line->recorders, kept, &facts);
}

/* Gives back what nothing needs at the end of a window. */
static void trim(struct rts_line *line, uint64_t horizon)
{
    rts_bounds_trim(&line->bounds, horizon);
    if (line->lines.capacity <= LINES_KEPT)
        return;
    rts_buffer_finish(&line->lines);
    line->lines = (struct rts_buffer)RTS_BUFFER_INIT;
}

/* What memory asks for after a sample. */
static void bound_memory(struct rts_line *line)
{
    bool short_of_files;
    if (line->ends == RTS_LINE_ENDS_AS_TOLD) {
        rts_bounds_relieve(&line->bounds);
        return;
    }
    if (rts_bounds_want_names(&line->bounds, &short_of_files)) {
        rts_line_name_stacks(line);
        rts_recorders_named(&line->recorders);
    }
    if (line->ends == RTS_LINE_ENDS_EARLY && rts_bounds_want_flush(&line->bounds)) {
        rts_line_flush(line);
        trim(line, 0);
    } else if (short_of_files) {
        rts_bounds_release_files(&line->bounds);
    }
}

void rts_line_keep(void *context, const struct rts_kept *kept)
{
    struct rts_line *line = context;
    account_sample(&line->account, kept);
    rts_stack_table_add(line->stacks, kept->process->instance, kept->record->time,
                        kept->stack->frames, kept->stack->count);
    record_sample(line, kept);
    bound_memory(line);
}

/* ---- a window ---- */

void rts_line_name_stacks(struct rts_line *line)
{
    const struct rts_namer_target target = {
        .window = line->window,
        .graphs = {line->outlets.observed, rts_outlets_segment_graph(&line->outlets)},
    };
    rts_namer_name_stacks(&line->namer, line->stacks, &target);
}

static void settle_packages(struct rts_line *line)
{
    if (!line->package_table)
        return;
    rts_package_table_settle(line->package_table);
    const struct rts_package_counts counts = rts_package_table_counts(line->package_table);
    line->account.databases_unreadable = counts.unreadable;
    line->account.databases_late = counts.late;
    line->account.objects_put_off = counts.put_off;
}

static void account_window(struct rts_account *account, const struct rts_window *window)
{
    uint64_t lines = rts_window_lines(window);
    if (lines == 0)
        return;
    account->hits += rts_window_hits(window);
    account->events_emitted += lines;
    account->batches++;
    account->events_with_purl += rts_window_lines_with_purl(window);
    account->hits_with_purl += rts_window_hits_with_purl(window);
}

static struct rts_fact_options fact_options(const struct rts_line *line)
{
    const struct rts_settings *settings = line->settings;
    const char *evidence = rts_outlets_evidence(&line->outlets);
    return (struct rts_fact_options){
        .emit_process = settings->emit_process,
        .emit_socket = settings->emit_socket,
        .emit_loader_base = settings->emit_loader_base,
        .emit_build_id = settings->collect_build_ids,
        .emit_evidence = evidence != NULL,
        .evidence = evidence,
        /* Measured anew for each window, so that a long run follows the wall clock. */
        .wall_offset_ns = line->clock.wall_offset_ns(line->clock.context),
    };
}

static void observe_window(const struct rts_line *line, const struct rts_fact_options *options)
{
    struct rts_observed_graph *segment = rts_outlets_segment_graph(&line->outlets);
    if (line->outlets.observed)
        rts_observed_graph_add_window(line->outlets.observed, line->window,
                                      options->wall_offset_ns);
    if (segment)
        rts_observed_graph_add_window(segment, line->window, options->wall_offset_ns);
}

void rts_line_flush(struct rts_line *line)
{
    rts_line_name_stacks(line);
    settle_packages(line);
    account_window(&line->account, line->window);
    const struct rts_fact_options options = fact_options(line);
    rts_recorders_flush(&line->recorders, options.wall_offset_ns);
    observe_window(line, &options);
    uint64_t count = rts_window_lines(line->window);
    rts_buffer_clear(&line->lines);
    rts_window_write(line->window, &options, &line->lines);
    rts_outlets_take(&line->outlets, &line->lines, count);
}

static struct rts_metrics_facts metrics_facts(const struct rts_line *line,
                                              struct rts_memory_owners *owners)
{
    const struct rts_self *self = line->sampler.setup.self;
    struct rts_own_memory memory;
    rts_bounds_list_owners(&line->bounds, owners);
    rts_own_memory_read_from(self->memory, &memory);
    return (struct rts_metrics_facts){
        .version = PACKAGE_VERSION,
        .duration_ms = line->clock.sampled_ms(line->clock.context),
        .cpu_ms = rts_self_cpu_ms(self),
        .processes_late = rts_self_looking(self).late,
        .near = rts_self_near(self),
        .rss_kib = memory.rss_kib,
        .peak_rss_kib = memory.peak_rss_kib,
        .frequency = rts_capture_facts(line->sampler.capture)->frequency,
        .memory = &line->bounds.memory,
        .memory_owners = owners,
        .opinions = &line->opinions,
        .selftest = &line->selftest.test.facts,
    };
}

void rts_line_update_metrics(struct rts_line *line)
{
    struct rts_memory_owners owners;
    const struct rts_metrics_facts metrics = metrics_facts(line, &owners);
    rts_outlets_update_metrics(&line->outlets, &metrics);
}

void rts_line_turn(struct rts_line *line, uint64_t horizon)
{
    rts_line_update_metrics(line);
    trim(line, horizon);
}

/* ---- what stages tell ---- */

static void task(void *context, const struct rts_record *record)
{
    rts_recorders_task(&((struct rts_line *)context)->recorders, record);
}

static void mapped(void *context)
{
    rts_bounds_look_at_mappings(&((struct rts_line *)context)->bounds);
}

static void relieve(void *context)
{
    rts_bounds_relieve(&((struct rts_line *)context)->bounds);
}

static void process_said(void *context, const struct rts_fact_process *process)
{
    rts_recorders_process(&((struct rts_line *)context)->recorders, process);
}

static void package_said(void *context, const struct rts_object *object, const char *function,
                         const struct rts_package *package)
{
    const struct rts_recorder_package said = {
        .purl = package->purl,
        .stale = package->stale,
        .modified = package->modified,
    };
    rts_recorders_package(&((struct rts_line *)context)->recorders, object, function, &said);
}

/* ---- beginning and end ---- */

static void init_sampler(struct rts_line *line, const struct rts_line_setup *setup)
{
    struct rts_sampler_setup sampler = setup->sampler;
    sampler.objects = line->objects;
    sampler.packages = setup->package_table;
    sampler.account = &line->account;
    sampler.opinions = &line->opinions;
    sampler.hash_container_ids = line->settings->hash_container_ids;
    sampler.sink = (struct rts_sampler_sink){line, rts_line_keep, task, mapped};
    rts_sampler_init(&line->sampler, &sampler);
}

static void init_namer(struct rts_line *line, const struct rts_line_setup *setup)
{
    const struct rts_namer_setup namer = {
        .processes = line->sampler.processes,
        .account = &line->account,
        .packages = setup->packages,
        .sink = {line, process_said, package_said, relieve},
        .objects = &line->bounds.memory.shares[RTS_MEMORY_OBJECTS],
        .id_scheme = line->settings->id_scheme,
        .find_sockets = line->settings->emit_socket,
    };
    rts_namer_init(&line->namer, &namer);
}

static void init_bounds(struct rts_line *line)
{
    const struct rts_bounded_tables tables = {
        .objects = line->objects,
        .symbols = line->namer.symbols,
        .rules = line->sampler.rules,
        .stacks = line->stacks,
        .window = line->window,
        .processes = line->sampler.processes,
        .cgroups = line->sampler.cgroups,
        .packages = line->package_table,
        .code_map = &line->sampler.code_map,
    };
    rts_bounds_init(&line->bounds, &tables, line->settings->sampler.max_memory_bytes);
}

void rts_line_init(struct rts_line *line, const struct rts_line_setup *setup)
{
    *line = (struct rts_line){
        .settings = setup->settings,
        .objects = rts_object_cache_create(IDLE_OBJECTS_MAX),
        .package_table = setup->package_table,
        .stacks = rts_stack_table_create(),
        .window = rts_window_create(),
        .lines = RTS_BUFFER_INIT,
        .clock = setup->clock,
        .ends = setup->ends,
    };
    init_sampler(line, setup);
    init_namer(line, setup);
    init_bounds(line);
}

int rts_line_open_cache(struct rts_line *line, struct rts_error *error)
{
    if (!line->settings->cache_path)
        return 0;
    line->hashes = rts_hash_cache_open(line->settings->cache_path, error);
    rts_object_cache_use_hashes(line->objects, line->hashes);
    return line->hashes ? 0 : -1;
}

int rts_line_choose_unwinder(struct rts_line *line, struct rts_error *error)
{
    const struct rts_settings *settings = line->settings;
    return rts_unwinding_choose(&line->sampler.unwinding, settings->unwinder, settings->check_every,
                                error);
}

int rts_line_load_graph(struct rts_line *line, struct rts_error *error)
{
    const char *path = line->settings->graph_path;
    return path ? rts_namer_load_graph(&line->namer, path, error) : 0;
}

int rts_line_open_outlets(struct rts_line *line, enum rts_delivery_purpose purpose, bool recorders,
                          const char *evidence, struct rts_error *error)
{
    const struct rts_outlets_setup setup = {
        .settings = line->settings,
        .account = &line->account,
        .recorders = recorders ? &line->recorders : NULL,
        .share = &line->bounds.memory.shares[RTS_MEMORY_UNION],
        .purpose = purpose,
        .evidence = evidence,
    };
    struct rts_memory_owners owners;
    const struct rts_metrics_facts metrics = metrics_facts(line, &owners);
    return rts_outlets_open(&line->outlets, &setup, &metrics, error);
}

static void close_hashes(struct rts_line *line)
{
    struct rts_error failure;
    if (rts_hash_cache_close(line->hashes, &failure) < 0)
        rts_log("what was found out is not kept for later runs: %s", failure.text);
}

void rts_line_finish(struct rts_line *line)
{
    rts_outlets_close(&line->outlets);
    rts_recorders_discard(&line->recorders); /* one that is open has no sample: nothing began */
    rts_selftest_rounds_close(&line->selftest);
    rts_sampler_finish(&line->sampler, rts_bounds_forget_object, line->objects);
    rts_stack_table_destroy(line->stacks);
    rts_window_destroy(line->window);
    rts_namer_finish(&line->namer);
    rts_package_table_destroy(line->package_table);
    rts_object_cache_destroy(line->objects);
    close_hashes(line);
    rts_opinions_finish(&line->opinions);
    rts_buffer_finish(&line->lines);
}
