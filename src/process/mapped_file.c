/* SPDX-License-Identifier: Apache-2.0 */
#include "process/mapped_file.h"

#include <stdlib.h>
#include <string.h>

#include "process/module_name.h"
#include "util/memory.h"
#include "util/share.h"

static bool same_file(const void *item, const void *key)
{
    const struct rts_mapped_file *a = item, *b = key;
    if (a->outdated)
        return false;
    if (a->has_identity != b->has_identity || a->build_id.size != b->build_id.size ||
        memcmp(a->build_id.bytes, b->build_id.bytes, a->build_id.size) != 0)
        return false;
    if (a->has_identity && (a->major != b->major || a->minor != b->minor || a->inode != b->inode))
        return false;
    return strcmp(a->path, b->path) == 0;
}

static bool is_file(const void *item, const void *key)
{
    return item == key;
}

static uint64_t hash_of(const struct rts_mapped_file *file)
{
    uint64_t seed = file->inode ^ (uint64_t)file->major << 40 ^ (uint64_t)file->minor << 20;
    seed ^= rts_hash_bytes(file->build_id.bytes, file->build_id.size, 0);
    return rts_hash_bytes(file->path, strlen(file->path), seed);
}

struct sight {
    const struct rts_mapped_file *file;
    const struct rts_file_view *view;
};

static bool same_sight(const void *item, const void *key)
{
    const struct rts_mapped_file *seen = item;
    const struct sight *sight = key;
    return seen->of == sight->file && memcmp(&seen->view, sight->view, sizeof seen->view) == 0;
}

static uint64_t hash_of_sight(const struct rts_mapped_file *file, const struct rts_file_view *view)
{
    return rts_hash_bytes(view, sizeof *view, rts_hash_u64((uintptr_t)file));
}

struct rts_mapped_file *rts_mapped_files_seen(struct rts_mapped_files *files,
                                              struct rts_mapped_file *file,
                                              const struct rts_file_view *view)
{
    const struct sight sight = {file, view};
    struct rts_mapped_file *seen =
        rts_table_find(&files->by_view, hash_of_sight(file, view), same_sight, &sight);
    if (seen)
        seen->seen = true;
    return seen;
}

static int compare_idle(const void *left, const void *right)
{
    const struct rts_mapped_file *a = *(struct rts_mapped_file *const *)left;
    const struct rts_mapped_file *b = *(struct rts_mapped_file *const *)right;
    return a->idle_since < b->idle_since ? -1 : a->idle_since > b->idle_since;
}

/* As the entry was made; attempts are of few of them. */
size_t rts_mapped_file_bytes(const struct rts_mapped_file *file)
{
    const size_t slots = 2 * sizeof(struct rts_table_slot);
    size_t module = file->module ? rts_heap_bytes(strlen(file->module) + 1) : 0;
    return rts_heap_bytes(sizeof *file) + rts_heap_bytes(strlen(file->path) + 1) + module + slots;
}

static void destroy(struct rts_mapped_file *file,
                    void (*forget)(void *context, struct rts_object *object), void *context)
{
    if (file->object)
        forget(context, file->object);
    if (file->bare)
        forget(context, file->bare);
    free(file->attempts);
    free(file->path);
    free(file->module);
    free(file);
}

struct rts_mapped_file *rts_mapped_files_divide(struct rts_mapped_files *files,
                                                struct rts_mapped_file *file,
                                                const struct rts_file_view *view)
{
    struct rts_mapped_file *seen = rts_mapped_files_seen(files, file, view);
    if (seen)
        return seen;
    seen = rts_calloc(1, sizeof *seen);
    *seen = (struct rts_mapped_file){
        .path = rts_strdup(file->path),
        .module = file->module ? rts_strdup(file->module) : NULL,
        .has_identity = file->has_identity,
        .major = file->major,
        .minor = file->minor,
        .inode = file->inode,
        .build_id = file->build_id,
        .of = file,
        .view = *view,
        .seen = true,
        .modified_ns = file->modified_ns,
        .from_ns = file->from_ns,
        .resolved = true,
    };
    rts_table_add(&files->by_view, hash_of_sight(file, view), seen);
    files->bytes += rts_mapped_file_bytes(seen);
    file->references++;
    file->divided = true;
    return seen;
}

void rts_mapped_files_finish(struct rts_mapped_files *files,
                             void (*forget)(void *context, struct rts_object *object),
                             void *context)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(&files->by_identity, &position));)
        destroy(item, forget, context);
    rts_table_finish(&files->by_identity);
    position = 0;
    for (void *item; (item = rts_table_next(&files->by_view, &position));)
        destroy(item, forget, context);
    rts_table_finish(&files->by_view);
}

struct rts_mapped_file *rts_mapped_files_get(struct rts_mapped_files *files,
                                             const struct rts_mapped_file *key)
{
    uint64_t hash = hash_of(key);
    struct rts_mapped_file *file = rts_table_find(&files->by_identity, hash, same_file, key);
    if (!file) {
        file = rts_calloc(1, sizeof *file);
        file->path = rts_strdup(key->path);
        file->module = rts_module_name(key->path);
        file->has_identity = key->has_identity;
        file->major = key->major;
        file->minor = key->minor;
        file->inode = key->inode;
        file->build_id = key->build_id;
        rts_table_add(&files->by_identity, hash, file);
        files->bytes += rts_mapped_file_bytes(file);
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

unsigned rts_mapped_file_attempts(const struct rts_mapped_file *file, unsigned owner)
{
    return file->attempts ? file->attempts[owner < RTS_OWNERS_MAX ? owner : RTS_OWNER_OTHER] : 0;
}

void rts_mapped_file_failed(struct rts_mapped_file *file, unsigned owner)
{
    if (!file->attempts)
        file->attempts = rts_calloc(RTS_OWNERS_MAX, sizeof *file->attempts);
    uint8_t *attempts = &file->attempts[owner < RTS_OWNERS_MAX ? owner : RTS_OWNER_OTHER];
    if (*attempts < UINT8_MAX)
        ++*attempts;
}

void rts_mapped_file_forget_attempts(struct rts_mapped_file *file)
{
    free(file->attempts);
    file->attempts = NULL;
}

static void remove(struct rts_mapped_files *files, struct rts_mapped_file *file,
                   const struct rts_object_owner *owner)
{
    rts_table_remove(&files->by_identity, hash_of(file), is_file, file);
    files->bytes -= rts_mapped_file_bytes(file);
    destroy(file, owner->forget, owner->context);
}

static void release_object(struct rts_mapped_file *file, const struct rts_object_owner *owner)
{
    owner->forget(owner->context, file->object);
    file->object = NULL;
    file->resolved = false;
    rts_mapped_file_forget_attempts(file);
    file->tried_instance = 0;
}

static unsigned whose(const struct rts_mapped_file *file, const struct rts_object_owner *owner)
{
    return owner->whose ? owner->whose(owner->context, file->object) : RTS_OWNER_ROOT;
}

/* Of `count` entries without a reference all but those that were used last, as far as there is room
 * for them. Down to seven eighths, so that not every process that ends asks again. */
static void remove_oldest(struct rts_mapped_files *files, struct rts_mapped_file **idle,
                          size_t count, size_t limit, const struct rts_object_owner *owner)
{
    struct rts_losses losses;
    size_t bytes = 0;
    memset(files->idle.used, 0, sizeof files->idle.used);
    for (size_t i = 0; i < count; i++) {
        size_t size = rts_mapped_file_bytes(idle[i]);
        rts_ledger_change(&files->idle, whose(idle[i], owner), 0, size);
        bytes += size;
    }
    if (bytes <= limit)
        return;
    rts_ledger_divide(&files->idle, limit, bytes - (limit - limit / 8), &losses);
    qsort(idle, count, sizeof *idle, compare_idle);
    for (size_t i = 0; i < count; i++) {
        unsigned of = whose(idle[i], owner);
        if (!rts_losses_take(&losses, of, rts_mapped_file_bytes(idle[i])))
            continue;
        rts_ledger_evict(&files->idle, of);
        remove(files, idle[i], owner);
    }
}

/* So many trims after the last question a view of a file goes: the next one opens it again. */
#define UNSEEN_TRIMS 5

static void remove_view(struct rts_mapped_files *files, struct rts_mapped_file *seen,
                        const struct rts_object_owner *owner)
{
    rts_table_remove(&files->by_view, hash_of_sight(seen->of, &seen->view), is_file, seen);
    files->bytes -= rts_mapped_file_bytes(seen);
    seen->of->references--;
    destroy(seen, owner->forget, owner->context);
}

static void trim_views(struct rts_mapped_files *files, const struct rts_object_owner *owner)
{
    size_t position = 0, count = 0;
    struct rts_mapped_file **gone = rts_calloc(files->by_view.count, sizeof *gone);
    for (struct rts_mapped_file *seen; (seen = rts_table_next(&files->by_view, &position));) {
        bool unwanted = owner->is_unwanted && owner->is_unwanted(owner->context, seen->object);
        if (seen->seen)
            seen->idle_since = files->clock;
        seen->seen = false;
        if (unwanted || seen->outdated || files->clock - seen->idle_since >= UNSEEN_TRIMS)
            gone[count++] = seen;
    }
    for (size_t i = 0; i < count; i++)
        remove_view(files, gone[i], owner);
    free(gone);
}

void rts_mapped_files_trim(struct rts_mapped_files *files, size_t limit,
                           const struct rts_object_owner *owner)
{
    size_t position = 0, count = 0;
    struct rts_mapped_file **idle = rts_calloc(files->by_identity.count, sizeof *idle);
    files->clock++;
    trim_views(files, owner);
    for (struct rts_mapped_file *file; (file = rts_table_next(&files->by_identity, &position));) {
        bool unwanted =
            file->object && owner->is_unwanted && owner->is_unwanted(owner->context, file->object);
        /* One that could not be opened may be openable through the next process that maps it. */
        bool useless = !file->object;
        if (file->references > 0) {
            file->idle_since = 0;
            if (unwanted)
                release_object(file, owner);
        } else if (unwanted || useless) {
            remove(files, file, owner);
        } else {
            file->idle_since = file->idle_since ? file->idle_since : files->clock;
            idle[count++] = file;
        }
    }
    remove_oldest(files, idle, count, limit, owner);
    free(idle);
}
