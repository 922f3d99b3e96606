/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/build_ids.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* The record: header, pid, build-id in 24 bytes of which one may be its size, path. */
#define BUILD_ID_AT   (sizeof(struct perf_event_header) + 4)
#define SIZE_AT       (BUILD_ID_AT + 20)
#define PATH_AT       (BUILD_ID_AT + 24)
#define BUILD_ID_SIZE 20

/* PERF_RECORD_MISC_BUILD_ID_SIZE: the size is there. */
#define MISC_HAS_SIZE (1 << 15)

struct entry {
    struct rts_build_id build_id;
    bool several;
    char path[];
};

static bool same_path(const void *item, const void *key)
{
    return strcmp(((const struct entry *)item)->path, key) == 0;
}

static uint64_t hash_path(const char *path)
{
    return rts_hash_bytes(path, strlen(path), 0);
}

void rts_trace_build_ids_finish(struct rts_trace_build_ids *table)
{
    size_t position = 0;
    for (void *entry; (entry = rts_table_next(&table->by_path, &position));)
        free(entry);
    rts_table_finish(&table->by_path);
}

static void add(struct rts_trace_build_ids *table, const char *path, size_t length,
                const struct rts_build_id *build_id)
{
    struct entry *entry = rts_calloc(1, sizeof *entry + length + 1);
    memcpy(entry->path, path, length);
    entry->build_id = *build_id;
    uint64_t hash = hash_path(entry->path);
    struct entry *known = rts_table_find(&table->by_path, hash, same_path, entry->path);
    if (known) {
        known->several |= known->build_id.size != build_id->size ||
                          memcmp(known->build_id.bytes, build_id->bytes, build_id->size) != 0;
        free(entry);
    } else {
        rts_table_add(&table->by_path, hash, entry);
    }
}

void rts_trace_build_ids_take(struct rts_trace_build_ids *table, const uint8_t *record, size_t size)
{
    struct perf_event_header header;
    struct rts_build_id build_id = {.size = BUILD_ID_SIZE};
    if (size <= PATH_AT)
        return;
    table->any = true;
    if (table->by_path.count >= RTS_TRACE_BUILD_IDS_MAX)
        return;
    memcpy(&header, record, sizeof header);
    /* Kernels and kernel modules share names with nothing that processes map. */
    uint16_t mode = header.misc & PERF_RECORD_MISC_CPUMODE_MASK;
    if (mode != PERF_RECORD_MISC_USER)
        return;
    if (header.misc & MISC_HAS_SIZE)
        build_id.size = record[SIZE_AT];
    if (build_id.size == 0 || build_id.size > BUILD_ID_SIZE)
        return;
    memcpy(build_id.bytes, record + BUILD_ID_AT, build_id.size);
    const char *path = (const char *)record + PATH_AT;
    add(table, path, strnlen(path, size - PATH_AT), &build_id);
}

const struct rts_build_id *rts_trace_build_ids_find(const struct rts_trace_build_ids *table,
                                                    const char *path)
{
    const struct entry *entry = rts_table_find(&table->by_path, hash_path(path), same_path, path);
    return entry && !entry->several ? &entry->build_id : NULL;
}
