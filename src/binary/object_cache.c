/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/object_cache_state.h"
#include "binary/object_state.h"
#include "binary/vdso.h"
#include "util/clock.h"
#include "util/memory.h"

/* Failures remembered; beyond it some of those are forgotten, and found out again, who have most.
 */
#define FAILURES_MAX 1024

/* Files larger than this are not compared to find copies: each is parsed on its own. */
#define COMPARED_SIZE_MAX (256u << 20)

void rts_object_cache_use_hashes(struct rts_object_cache *cache, struct rts_hash_cache *hashes)
{
    cache->hashes = hashes;
}

struct rts_object_cache *rts_object_cache_create(size_t limit)
{
    struct rts_object_cache *cache = rts_calloc(1, sizeof *cache);
    cache->limit = limit;
    cache->share = &cache->own;
    cache->host.make_room = rts_object_cache_make_room;
    cache->host.context = cache;
    return cache;
}

void rts_object_cache_use_share(struct rts_object_cache *cache, struct rts_share *share)
{
    cache->share = share;
}

void rts_object_cache_limit_open(struct rts_object_cache *cache, size_t count)
{
    cache->open_max = count;
}

void rts_object_cache_tell(struct rts_object_cache *cache,
                           void (*forgotten)(void *context, uint32_t serial), void *context)
{
    cache->forgotten = forgotten;
    cache->context = context;
}

static struct rts_object *use(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    entry->references++;
    entry->last_use = ++cache->clock;
    return entry->object;
}

static void bound_failures(struct rts_object_cache *cache)
{
    struct rts_ledger *shown = cache->share->ledger;
    struct rts_losses losses;
    struct rts_object_name *name;
    size_t position = 0;
    if (cache->failures < FAILURES_MAX)
        return;
    rts_ledger_divide(&cache->failed, FAILURES_MAX, FAILURES_MAX / 8, &losses);
    while ((name = rts_table_next(&cache->names, &position))) {
        if (!name->failure || !rts_losses_take(&losses, name->owner, 1))
            continue;
        rts_share_evict(cache->share, name->owner);
        rts_object_cache_forget_name(cache, name);
    }
    for (unsigned i = 0; shown && i < RTS_OWNERS_MAX; i++)
        shown->pressed[i] |= cache->failed.pressed[i];
}

/* A failure is a name too, of no object. */
static void remember_failure(struct rts_object_cache *cache, const struct rts_object_lookup *lookup,
                             unsigned owner, const struct rts_error *error)
{
    bound_failures(cache);
    struct rts_object_name *name = rts_object_cache_add_name(cache, lookup, NULL);
    name->changed_ns = lookup->changed_ns;
    name->failure = rts_calloc(1, sizeof *name->failure);
    *name->failure = *error;
    name->owner = owner;
    cache->failures++;
    rts_ledger_change(&cache->failed, owner, 0, 1);
}

static bool same_content(const struct rts_elf_image *left, const struct rts_elf_image *right)
{
    uint8_t first[32768], second[sizeof first];
    if (left->size != right->size || left->size > COMPARED_SIZE_MAX)
        return false;
    for (uint64_t offset = 0; offset < left->size;) {
        uint64_t rest = left->size - offset;
        size_t size = rest < sizeof first ? (size_t)rest : sizeof first;
        if (!rts_elf_image_read(left, offset, first, size) ||
            !rts_elf_image_read(right, offset, second, size) || memcmp(first, second, size) != 0)
            return false;
        offset += size;
    }
    return true;
}

static bool same_place(const struct rts_file_identity *left, const struct rts_file_identity *right)
{
    return left->root_device == right->root_device && left->root_inode == right->root_inode &&
           left->namespace == right->namespace && left->path_hash == right->path_hash;
}

/* The entry of another file with the same bytes, or NULL. */
static struct rts_cached_object *find_copy(struct rts_object_cache *cache,
                                           const struct rts_object *object,
                                           const struct rts_file_identity *identity)
{
    struct rts_cached_object *entry = rts_object_cache_find_build(cache, object);
    if (!entry)
        return NULL;
    /* What was parsed of one that was overwritten is of its old content. */
    if (!rts_object_is_intact(entry->object)) {
        rts_object_cache_forget_build(cache, object);
        return NULL;
    }
    if (!same_place(&entry->identity, identity))
        return NULL;
    return same_content(&entry->object->image, &object->image) ? entry : NULL;
}

static struct rts_object *get_new(struct rts_object_cache *cache, int fd, const char *path,
                                  const struct rts_debug_search *search,
                                  const struct rts_object_lookup *lookup, struct rts_error *error)
{
    struct rts_error cause = {0};
    struct rts_object *object = rts_object_open(fd, path, search, &cause);
    if (!object) {
        if (!rts_is_short_of_files(cause.number))
            remember_failure(cache, lookup, search ? search->owner : RTS_OWNER_ROOT, &cause);
        if (error)
            *error = cause;
        return NULL;
    }
    /* It may have been written to since the caller looked. */
    const struct rts_file_stamp *stamp = rts_file_watch_stamp(object->image.watch);
    struct rts_object_lookup opened = *lookup;
    opened.identity.size = stamp->size;
    opened.identity.mtime_ns = stamp->modified_ns;
    opened.changed_ns = stamp->changed_ns;
    rts_object_use_hashes(object, cache->hashes);
    rts_object_count_unread(object, &cache->unread_files);
    struct rts_cached_object *entry = find_copy(cache, object, &opened.identity);
    if (entry) {
        rts_object_destroy(object);
        rts_object_cache_add_name(cache, &opened, entry)->changed_ns = opened.changed_ns;
        rts_object_charge(entry->object, NAME_BYTES);
    } else {
        entry = rts_object_cache_add(cache, object);
        entry->identity = opened.identity;
        rts_object_set_key(object, &opened, sizeof opened);
        rts_object_cache_add_name(cache, &opened, entry);
    }
    return use(cache, entry);
}

static void fill_place(struct rts_file_identity *identity, const char *path,
                       const struct rts_debug_search *search)
{
    struct stat root;
    if (path)
        identity->path_hash = rts_hash_bytes(path, strlen(path), 0);
    if (!search)
        return;
    identity->namespace = search->namespace;
    if (search->tree.root_fd >= 0 && fstat(search->tree.root_fd, &root) == 0) {
        identity->root_device = root.st_dev;
        identity->root_inode = root.st_ino;
    }
}

struct rts_object *rts_object_cache_get(struct rts_object_cache *cache, int fd, const char *path,
                                        const struct rts_debug_search *search,
                                        struct rts_error *error)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        rts_fail_errno(error, errno, "%s: fstat", path ? path : "ELF file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct rts_object_lookup lookup = {
        .identity = {.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = (uint64_t)status.st_size,
                     .mtime_ns = rts_timespec_ns(status.st_mtim)},
        .changed_ns = rts_timespec_ns(status.st_ctim),
    };
    fill_place(&lookup.identity, path, search);
    struct rts_object_name *name = rts_object_cache_find_name(cache, &lookup);
    /* One that was overwritten may have its size and its time again. */
    if (name && name->entry && name->changed_ns == 0 &&
        !rts_object_is_intact(name->entry->object)) {
        rts_object_cache_forget_name(cache, name);
        name = NULL;
    }
    if (!name)
        return get_new(cache, fd, path, search, &lookup, error);
    close(fd);
    if (name->entry)
        return use(cache, name->entry);
    if (error)
        *error = *name->failure;
    return NULL;
}

struct rts_object *rts_object_cache_vdso(struct rts_object_cache *cache)
{
    if (!cache->vdso_tried) {
        cache->vdso_tried = true;
        cache->vdso = rts_vdso_open();
        /* The cache uses it itself, so it is never dropped. */
        if (cache->vdso) {
            struct rts_cached_object *entry = rts_object_cache_add(cache, cache->vdso);
            entry->pinned = true;
            use(cache, entry);
        }
    }
    return cache->vdso ? use(cache, rts_object_cache_find(cache, cache->vdso)) : NULL;
}

void rts_object_cache_ref(struct rts_object_cache *cache, struct rts_object *object)
{
    struct rts_cached_object *entry = rts_object_cache_find(cache, object);
    if (entry)
        use(cache, entry);
}

void rts_object_cache_unref(struct rts_object_cache *cache, struct rts_object *object)
{
    struct rts_cached_object *entry = rts_object_cache_find(cache, object);
    if (entry && entry->references > 0)
        entry->references--;
}

void rts_object_cache_destroy(struct rts_object_cache *cache)
{
    if (!cache)
        return;
    cache->forgotten = NULL; /* who asked may be gone */
    rts_object_cache_drop_all(cache);
    free(cache);
}
