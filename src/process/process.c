/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"
#include "process/process_state.h"
#include "process/stat.h"
#include "util/memory.h"

/* Entries of files without a user that are kept for the next process that maps them: some thousand
 * of them. */
#define IDLE_BYTES_MAX ((size_t)512 << 10)

static bool same_pid(const void *item, const void *key)
{
    return ((const struct rts_process *)item)->pid == *(const int32_t *)key;
}

static bool same_instance(const void *item, const void *key)
{
    return ((const struct rts_process *)item)->instance == *(const uint64_t *)key;
}

static uint64_t pid_hash(int32_t pid)
{
    return rts_hash_u64((uint32_t)pid);
}

void rts_process_retain_file(void *context, struct rts_mapped_file *file)
{
    (void)context;
    rts_mapped_file_ref(file);
}

void rts_process_release_file(void *context, struct rts_mapped_file *file)
{
    (void)context;
    rts_mapped_file_unref(file);
}

struct rts_process_table *rts_process_table_create(const char *proc_root)
{
    struct rts_process_table *table = rts_calloc(1, sizeof *table);
    table->proc.root = proc_root ? rts_strdup(proc_root) : NULL;
    rts_owners_init(&table->owners);
    return table;
}

static void destroy_process(struct rts_process *process)
{
    rts_mapping_set_finish(&process->mappings, rts_process_release_file, NULL);
    rts_text_copies_finish(&process->copies, rts_process_release_file, NULL);
    free(process);
}

void rts_process_table_destroy(struct rts_process_table *table,
                               void (*forget)(void *context, struct rts_object *object),
                               void *context)
{
    if (!table)
        return;
    size_t position = 0;
    for (void *item; (item = rts_table_next(&table->by_instance, &position));)
        destroy_process(item);
    rts_table_finish(&table->by_instance);
    rts_table_finish(&table->by_pid);
    rts_mapped_files_finish(&table->files, forget, context);
    free((char *)table->proc.root);
    free(table);
}

void rts_process_table_select(struct rts_process_table *table, bool keep)
{
    table->selective = true;
    if (keep)
        return;
    size_t position = 0;
    for (struct rts_process *process; (process = rts_table_next(&table->by_instance, &position));)
        process->target = false;
}

void rts_process_table_use_broker(struct rts_process_table *table, struct rts_broker *broker)
{
    table->proc.broker = broker;
}

const struct rts_proc *rts_process_table_proc(const struct rts_process_table *table)
{
    return &table->proc;
}

struct rts_process *rts_process_newest(const struct rts_process_table *table, int32_t pid)
{
    return rts_table_find(&table->by_pid, pid_hash(pid), same_pid, &pid);
}

struct rts_process *rts_process_add_instance(struct rts_process_table *table, int32_t pid,
                                             uint64_t time)
{
    struct rts_process *process = rts_calloc(1, sizeof *process);
    process->pid = process->view = pid;
    process->instance = ++table->last_instance;
    process->born_ns = time;
    process->died_ns = UINT64_MAX;
    process->target = !table->selective;
    process->owner = table->proc.root ? RTS_OWNER_OTHER : RTS_OWNER_ROOT;
    process->older = rts_table_remove(&table->by_pid, pid_hash(pid), same_pid, &pid);
    if (process->older && process->older->died_ns > time)
        process->older->died_ns = time;
    rts_table_add(&table->by_pid, pid_hash(pid), process);
    rts_table_add(&table->by_instance, rts_hash_u64(process->instance), process);
    /* What is read again after records were lost is most likely the one that was given up, which
     * may have seen to it that they were. */
    if (table->proc.broker && time > 0)
        rts_broker_forget(table->proc.broker, pid);
    return process;
}

struct rts_process *rts_process_find(const struct rts_process_table *table, int32_t pid,
                                     uint64_t time)
{
    struct rts_process *process = rts_process_newest(table, pid);
    while (process && process->older && time < process->born_ns)
        process = process->older;
    return process;
}

struct rts_process *rts_process_table_next(const struct rts_process_table *table, size_t *position)
{
    return rts_table_next(&table->by_pid, position);
}

struct rts_process *rts_process_instance(const struct rts_process_table *table, uint64_t instance)
{
    return rts_table_find(&table->by_instance, rts_hash_u64(instance), same_instance, &instance);
}

struct rts_process *rts_process_recorded(struct rts_process_table *table, uint64_t instance)
{
    struct rts_process *process = rts_process_instance(table, instance);
    if (process)
        return process;
    process = rts_calloc(1, sizeof *process);
    process->instance = instance;
    process->died_ns = UINT64_MAX;
    process->target = true;
    rts_table_add(&table->by_instance, rts_hash_u64(instance), process);
    return process;
}

void rts_process_add_mapping(struct rts_process_table *table, struct rts_process *process,
                             struct rts_mapping mapping, const struct rts_mapped_file *file)
{
    mapping.kind = rts_mapping_kind_of(file->path, file->inode != 0 || file->build_id.size > 0 ||
                                                       !file->has_identity);
    size_t before = table->files.bytes;
    mapping.file =
        mapping.kind == RTS_MAPPING_FILE ? rts_mapped_files_get(&table->files, file) : NULL;
    mapping.placed = false;
    table->copied += table->files.bytes - before;
    if (!rts_mapping_set_has(&process->mappings, &mapping)) {
        bool shared = process->mappings.sharers != NULL;
        rts_mapping_set_add(&process->mappings, &mapping, rts_process_retain_file, NULL);
        table->copied += shared ? rts_mapping_set_bytes(&process->mappings) : sizeof mapping;
    } else if (mapping.file) { /* the same library at the same place, again and again */
        rts_mapped_file_unref(mapping.file);
    }
}

size_t rts_process_table_copied(struct rts_process_table *table)
{
    size_t copied = table->copied;
    table->copied = 0;
    return copied;
}

static bool is_none(const struct rts_file_view *view)
{
    return view->device == 0 && view->inode == 0 && view->namespace == 0;
}

struct rts_mapped_file *rts_process_table_seen(struct rts_process_table *table,
                                               const struct rts_process *process,
                                               struct rts_mapped_file *file)
{
    for (size_t i = 0; file->divided && i < RTS_PROCESS_VIEWS && !is_none(&process->views[i]);
         i++) {
        struct rts_mapped_file *seen =
            rts_mapped_files_seen(&table->files, file, &process->views[i]);
        if (seen)
            return seen;
    }
    return file;
}

static void remember_view(struct rts_process *process, const struct rts_file_view *view)
{
    size_t place = 0;
    while (place < RTS_PROCESS_VIEWS - 1 && memcmp(&process->views[place], view, sizeof *view) != 0)
        place++;
    memmove(&process->views[1], &process->views[0], place * sizeof *view);
    process->views[0] = *view;
}

struct rts_mapped_file *rts_process_table_divide(struct rts_process_table *table,
                                                 struct rts_process *process,
                                                 struct rts_mapped_file *file,
                                                 const struct rts_file_view *view)
{
    remember_view(process, view);
    return rts_mapped_files_divide(&table->files, file, view);
}

void rts_process_table_renew_file(struct rts_process_table *table, struct rts_mapping *mapping)
{
    struct rts_mapped_file *outdated = mapping->file;
    mapping->file = rts_mapped_files_get(&table->files, outdated);
    mapping->placed = false;
    rts_mapped_file_unref(outdated);
}

struct rts_mapping *rts_process_own_mapping(struct rts_process *process,
                                            const struct rts_mapping *mapping)
{
    size_t index = (size_t)(mapping - process->mappings.items);
    rts_mapping_set_own(&process->mappings, rts_process_retain_file, NULL);
    return &process->mappings.items[index];
}

struct rts_text_copy *rts_process_add_text_copy(struct rts_process *process,
                                                struct rts_mapping *mapping,
                                                const struct rts_text_copy *place)
{
    struct rts_text_copy *copy =
        rts_text_copies_add(&process->copies, place, rts_process_release_file, NULL);
    mapping->text_copy = copy ? copy->id : 0;
    return copy;
}

/* Is any thread of this process left? A leader that has ended stays visible as a zombie as long as
 * other threads run, and until its parent has waited for it. */
static bool has_ended(const struct rts_process_table *table, struct rts_process *process)
{
    struct rts_process_stat stat;
    if (!table->proc.root)
        return false; /* other threads of it may still come */
    if (rts_process_stat_read(&table->proc, process->pid, &stat) < 0)
        /* Else nobody knows: no answer came in time. */
        return errno == ENOENT || errno == ESRCH || errno == EBADMSG;
    if (process->start_ticks == 0)
        process->start_ticks = stat.start_ticks;
    if (process->start_ticks != stat.start_ticks)
        return true; /* somebody else has its pid now */
    return (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1;
}

size_t rts_process_table_alive(struct rts_process_table *table, uint64_t now, bool thorough)
{
    size_t position = 0, alive = 0;
    for (struct rts_process *process; (process = rts_table_next(&table->by_pid, &position));) {
        if (process->died_ns != UINT64_MAX)
            continue;
        bool doubtful = process->leader_exited || (thorough && process->target);
        if (doubtful && has_ended(table, process))
            process->died_ns = now; /* also when it is not a target: its entry has to go */
        else
            alive += process->target;
    }
    return alive;
}

static void forget_instance(struct rts_process_table *table, struct rts_process *process)
{
    rts_table_remove(&table->by_instance, rts_hash_u64(process->instance), same_instance,
                     &process->instance);
    destroy_process(process);
}

void rts_process_table_reap(struct rts_process_table *table, uint64_t horizon,
                            const struct rts_object_owner *owner)
{
    rts_process_table_alive(table, horizon, false);
    size_t position = 0;
    for (struct rts_process *process; (process = rts_table_next(&table->by_pid, &position));) {
        rts_mapping_set_forget(&process->mappings, horizon, rts_process_release_file, NULL);
        for (struct rts_process **link = &process->older; *link;) {
            struct rts_process *older = *link;
            if (older->died_ns >= horizon) {
                link = &older->older;
                continue;
            }
            *link = older->older;
            forget_instance(table, older);
        }
        if (process->died_ns < horizon && !process->older) {
            rts_table_remove(&table->by_pid, pid_hash(process->pid), same_pid, &process->pid);
            forget_instance(table, process);
        }
    }
    rts_mapped_files_trim(&table->files, IDLE_BYTES_MAX, owner);
}
