/* SPDX-License-Identifier: Apache-2.0 */
#include "process/neighbours.h"

#include <limits.h>
#include <stdio.h>

#include "process/process_state.h"
#include "util/clock.h"

/* Reading maps costs the target's mmap lock. */
#define SEARCH_INTERVAL_NS     (RTS_NS_PER_S / 10)
#define SEARCH_INTERVAL_MAX_NS (32 * SEARCH_INTERVAL_NS)

struct line {
    bool found;
    struct rts_maps_line line;
    char path[PATH_MAX];
};

struct reading {
    uint64_t pc;
    bool covered; /* something is mapped at pc */
    struct line below, above;
};

static void keep(struct line *kept, const struct rts_maps_line *line)
{
    kept->found = true;
    kept->line = *line;
    snprintf(kept->path, sizeof kept->path, "%s", line->path);
    kept->line.path = kept->path;
}

static void take_line(void *context, const struct rts_maps_line *line)
{
    struct reading *reading = context;
    bool is_file = rts_mapping_kind_of(line->path, line->inode != 0) == RTS_MAPPING_FILE;
    if (line->end <= reading->pc && is_file)
        keep(&reading->below, line);
    else if (line->start > reading->pc && is_file && !reading->above.found)
        keep(&reading->above, line);
    reading->covered |= line->start <= reading->pc && reading->pc < line->end;
}

static struct rts_mapping mapping_of(struct rts_process_table *table, const struct line *kept)
{
    const struct rts_mapped_file file = {
        .path = kept->line.path,
        .has_identity = true,
        .major = kept->line.major,
        .minor = kept->line.minor,
        .inode = kept->line.inode,
    };
    return (struct rts_mapping){
        .start = kept->line.start,
        .end = kept->line.end,
        .offset = kept->line.offset,
        .until_ns = UINT64_MAX,
        .kind = RTS_MAPPING_FILE,
        .file = rts_mapped_files_get(&table->files, &file),
    };
}

int rts_process_neighbours(struct rts_process_table *table, struct rts_process *process,
                           uint64_t pc, uint64_t now, struct rts_mapping found[RTS_NEIGHBOURS_MAX])
{
    struct reading reading = {.pc = pc};
    if (!table->proc.root || now < process->search_again_ns)
        return -1;
    const struct rts_maps_wanted near = {.part = RTS_MAPS_NEAR, .address = pc};
    int lines =
        rts_process_read_maps(table, process, process->view, &near, take_line, &reading, NULL);
    uint64_t twice = 2 * process->search_wait_ns;
    process->search_wait_ns = twice == 0                       ? SEARCH_INTERVAL_NS
                              : twice > SEARCH_INTERVAL_MAX_NS ? SEARCH_INTERVAL_MAX_NS
                                                               : twice;
    process->search_again_ns = now + process->search_wait_ns;
    if (lines <= 0)
        return -1;
    int count = 0;
    if (reading.covered && reading.below.found)
        found[count++] = mapping_of(table, &reading.below);
    if (reading.covered && reading.above.found)
        found[count++] = mapping_of(table, &reading.above);
    return count;
}
