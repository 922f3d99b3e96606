/* SPDX-License-Identifier: Apache-2.0 */
#include "process/mapped_file.h"

#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

static bool same_file(const void *item, const void *key)
{
    const struct rts_mapped_file *a = item, *b = key;
    if (a->has_identity != b->has_identity || a->build_id.size != b->build_id.size ||
        memcmp(a->build_id.bytes, b->build_id.bytes, a->build_id.size) != 0)
        return false;
    if (a->has_identity && (a->major != b->major || a->minor != b->minor || a->inode != b->inode))
        return false;
    return strcmp(a->path, b->path) == 0;
}

static uint64_t hash_of(const struct rts_mapped_file *file)
{
    uint64_t seed = file->inode ^ (uint64_t)file->major << 40 ^ (uint64_t)file->minor << 20;
    seed ^= rts_hash_bytes(file->build_id.bytes, file->build_id.size, 0);
    return rts_hash_bytes(file->path, strlen(file->path), seed);
}

static void destroy(struct rts_mapped_file *file,
                    void (*forget)(void *context, struct rts_object *object), void *context)
{
    if (file->object)
        forget(context, file->object);
    if (file->bare)
        forget(context, file->bare);
    free(file->path);
    free(file);
}

void rts_mapped_files_finish(struct rts_mapped_files *files,
                             void (*forget)(void *context, struct rts_object *object),
                             void *context)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(&files->by_identity, &position));)
        destroy(item, forget, context);
    rts_table_finish(&files->by_identity);
}

struct rts_mapped_file *rts_mapped_files_get(struct rts_mapped_files *files,
                                             const struct rts_mapped_file *key)
{
    uint64_t hash = hash_of(key);
    struct rts_mapped_file *file = rts_table_find(&files->by_identity, hash, same_file, key);
    if (!file) {
        file = rts_calloc(1, sizeof *file);
        file->path = rts_strdup(key->path);
        file->has_identity = key->has_identity;
        file->major = key->major;
        file->minor = key->minor;
        file->inode = key->inode;
        file->build_id = key->build_id;
        rts_table_add(&files->by_identity, hash, file);
    }
    file->references++;
    return file;
}

void rts_mapped_file_ref(struct rts_mapped_file *file)
{
    file->references++;
}

void rts_mapped_file_unref(struct rts_mapped_file *file)
{
    file->references--;
}

void rts_mapped_files_trim(struct rts_mapped_files *files, size_t limit,
                           void (*forget)(void *context, struct rts_object *object), void *context)
{
    size_t position = 0, idle = 0;
    for (struct rts_mapped_file *file; (file = rts_table_next(&files->by_identity, &position));) {
        if (file->references > 0)
            continue;
        /* One that could not be opened may be openable through the next process that maps it. */
        bool useless = file->resolved && !file->object;
        if (!useless && ++idle <= limit)
            continue;
        rts_table_remove(&files->by_identity, hash_of(file), same_file, file);
        destroy(file, forget, context);
    }
}
