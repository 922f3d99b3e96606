/* SPDX-License-Identifier: Apache-2.0 */
/* What the process table takes of memory, and how some of that is given back. */
#include <stdlib.h>
#include <string.h>

#include "process/process_state.h"
#include "util/memory.h"
#include "util/share.h"

/* Of smaller processes a guess will do for whose they are. */
#define ASKED_MIN 16384

static size_t copies_bytes(const struct rts_text_copies *copies)
{
    size_t bytes = rts_heap_bytes(copies->count * sizeof *copies->items);
    for (size_t i = 0; i < copies->count; i++)
        bytes += rts_heap_bytes(rts_text_copy_pages(&copies->items[i]));
    return bytes;
}

static size_t mapped_bytes(const struct rts_process *process)
{
    return rts_mapping_set_bytes(&process->mappings) + copies_bytes(&process->copies);
}

unsigned rts_process_owner(struct rts_process_table *table, struct rts_process *process)
{
    uint32_t uid;
    if (process->owner_known || !table->proc.root)
        return process->owner;
    process->owner_known = true;
    if (rts_process_uid_read(&table->proc, process->pid, &uid) == 0)
        process->owner = rts_owners_find(&table->owners, uid);
    return process->owner;
}

bool rts_process_is_ours(const struct rts_process_table *table, const struct rts_process *process)
{
    if (!table->proc.root)
        return process->ours;
    return process->container.id[0] == '\0' && rts_owners_is_ours(&table->owners, process->owner);
}

const struct rts_owners *rts_process_table_owners(const struct rts_process_table *table)
{
    return &table->owners;
}

static size_t bytes_of(const struct rts_process *process)
{
    return rts_heap_bytes(sizeof *process) + mapped_bytes(process);
}

const struct rts_ledger *rts_process_table_idle_files(const struct rts_process_table *table)
{
    return &table->files.idle;
}

uint64_t rts_process_table_put_off(const struct rts_process_table *table, unsigned owner)
{
    return owner < RTS_OWNERS_MAX ? table->allowance.put_off[owner] : 0;
}

/* What is mapped in it is its owner's, unless it is of one who came before, or of root's. */
static void claim_files(struct rts_process *process)
{
    for (size_t i = 0; i < process->mappings.count; i++) {
        struct rts_mapped_file *file = process->mappings.items[i].file;
        if (!file || (file->owned && process->owner != RTS_OWNER_ROOT))
            continue;
        file->owned = true;
        file->owner = process->owner;
    }
}

static void list_files(struct rts_table *files, struct rts_ledger *ledger)
{
    size_t position = 0;
    for (struct rts_mapped_file *file; (file = rts_table_next(files, &position));) {
        if (file->owned)
            rts_ledger_change(ledger, file->owner, 0, rts_mapped_file_bytes(file));
        file->owned = false;
    }
}

void rts_process_table_list(struct rts_process_table *table, struct rts_ledger *ledger)
{
    size_t position = 0;
    memset(ledger->used, 0, sizeof ledger->used);
    for (struct rts_process *process; (process = rts_table_next(&table->by_instance, &position));) {
        size_t bytes = bytes_of(process);
        unsigned owner = bytes < ASKED_MIN ? process->owner : rts_process_owner(table, process);
        rts_ledger_change(ledger, owner, 0, bytes);
        claim_files(process);
    }
    list_files(&table->files.by_identity, ledger);
}

size_t rts_process_table_bytes(const struct rts_process_table *table)
{
    size_t position = 0;
    size_t bytes =
        rts_table_bytes(&table->by_pid) + rts_table_bytes(&table->by_instance) + table->files.bytes;
    for (const struct rts_process *process;
         (process = rts_table_next(&table->by_instance, &position));)
        bytes += bytes_of(process);
    return bytes;
}

/* What becomes free when it forgets what is mapped, more or less: of files that others have mapped,
 * too, its part. */
static size_t shed_bytes(const struct rts_process *process)
{
    size_t bytes = mapped_bytes(process);
    for (size_t i = 0; i < process->mappings.count; i++) {
        const struct rts_mapped_file *file = process->mappings.items[i].file;
        if (file && file->references > 0)
            bytes += rts_mapped_file_bytes(file) / file->references;
    }
    return bytes;
}

static int longest_ago_first(const void *left, const void *right)
{
    const struct rts_process *a = *(struct rts_process *const *)left;
    const struct rts_process *b = *(struct rts_process *const *)right;
    if (a->sampled_ns != b->sampled_ns)
        return a->sampled_ns < b->sampled_ns ? -1 : 1;
    return a->instance < b->instance ? -1 : 1;
}

/* What is mapped in it can be read again. */
static void forget_mappings(struct rts_process *process)
{
    rts_mapping_set_finish(&process->mappings, rts_process_release_file, NULL);
    rts_text_copies_finish(&process->copies, rts_process_release_file, NULL);
    process->reported = 0;
    process->maps_known = false;
    process->read_again_ns = process->read_wait_ns = 0;
}

void rts_process_table_shed(struct rts_process_table *table, struct rts_losses *losses,
                            struct rts_share *share)
{
    size_t position = 0, count = 0;
    if (!table->proc.root || table->by_pid.count == 0)
        return;
    struct rts_process **all = rts_calloc(table->by_pid.count, sizeof(struct rts_process *));
    for (struct rts_process *process; (process = rts_table_next(&table->by_pid, &position));)
        if (process->died_ns == UINT64_MAX && process->mappings.count > 0)
            all[count++] = process;
    if (count > 0)
        qsort(all, count, sizeof(struct rts_process *), longest_ago_first);
    for (size_t i = 0; i < count; i++) {
        if (!rts_losses_take(losses, all[i]->owner, shed_bytes(all[i])))
            continue;
        forget_mappings(all[i]);
        rts_share_evict(share, all[i]->owner);
    }
    free(all);
}
