/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/object_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/build_id.h"
#include "binary/object_cache_state.h"
#include "binary/object_state.h"
#include "binary/vdso.h"
#include "util/memory.h"

/* Failures remembered; beyond it all are forgotten and found out again. */
#define FAILURES_MAX 1024

/* Files larger than this are not compared to find copies: each is parsed on its own. */
#define COMPARED_SIZE_MAX (256u << 20)

struct lookup {
    struct rts_file_identity identity;
    int64_t changed_ns;
};

static uint64_t hash_identity(const struct rts_file_identity *identity)
{
    return rts_hash_bytes(identity, sizeof *identity, 0);
}

static bool same_identity(const void *item, const void *key)
{
    const struct rts_object_name *name = item;
    const struct lookup *lookup = key;
    return memcmp(&name->identity, &lookup->identity, sizeof name->identity) == 0 &&
           (name->changed_ns == 0 || name->changed_ns == lookup->changed_ns);
}

static bool is_name(const void *item, const void *key)
{
    return item == key;
}

static bool same_object(const void *item, const void *key)
{
    return ((const struct rts_cached_object *)item)->object == key;
}

/* Files of one build-id that are of another size are no copies. */
static bool same_build(const void *item, const void *key)
{
    const struct rts_object *object = ((const struct rts_cached_object *)item)->object;
    const struct rts_object *wanted = key;
    return object->image.size == wanted->image.size &&
           rts_build_id_same(rts_object_build_id(object), rts_object_build_id(wanted));
}

static uint64_t hash_object(const struct rts_object *object)
{
    return rts_hash_u64(rts_object_serial(object));
}

static uint64_t hash_build(const struct rts_object *object)
{
    const struct rts_build_id *build_id = rts_object_build_id(object);
    return rts_hash_bytes(build_id->bytes, build_id->size, object->image.size);
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

void rts_object_cache_use_hashes(struct rts_object_cache *cache, struct rts_hash_cache *hashes)
{
    cache->hashes = hashes;
}

struct rts_object_cache *rts_object_cache_create(size_t limit)
{
    struct rts_object_cache *cache = rts_calloc(1, sizeof *cache);
    cache->limit = limit;
    cache->share = &cache->own;
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

static struct rts_cached_object *find_entry(struct rts_object_cache *cache,
                                            const struct rts_object *object)
{
    return rts_table_find(&cache->objects, hash_object(object), same_object, object);
}

static struct rts_object *use(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    entry->references++;
    entry->last_use = ++cache->clock;
    return entry->object;
}

static struct rts_object_name *add_name(struct rts_object_cache *cache, const struct lookup *lookup,
                                        struct rts_cached_object *entry)
{
    struct rts_object_name *name = rts_calloc(1, sizeof *name);
    name->identity = lookup->identity;
    name->entry = entry;
    rts_table_add(&cache->names, hash_identity(&name->identity), name);
    return name;
}

static void forget_name(struct rts_object_cache *cache, struct rts_object_name *name)
{
    rts_table_remove(&cache->names, hash_identity(&name->identity), is_name, name);
    cache->failures -= name->failure != NULL;
    free(name->failure);
    free(name);
}

/* Of several objects with one build-id and size the first is found by them. */
static void add_build(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    uint64_t hash = hash_build(entry->object);
    if (rts_object_build_id(entry->object)->size > 0 &&
        !rts_table_find(&cache->builds, hash, same_build, entry->object))
        rts_table_add(&cache->builds, hash, entry);
}

static struct rts_cached_object *add_entry(struct rts_object_cache *cache,
                                           struct rts_object *object)
{
    struct rts_cached_object *entry = rts_calloc(1, sizeof *entry);
    entry->object = object;
    rts_object_use_share(object, cache->share);
    object->cache = cache;
    rts_object_charge(object, ENTRY_BYTES);
    rts_table_add(&cache->objects, hash_object(object), entry);
    add_build(cache, entry);
    return entry;
}

/* A failure is a name too, of no object. */
static void remember_failure(struct rts_object_cache *cache, const struct lookup *lookup,
                             const struct rts_error *error)
{
    size_t position = 0;
    struct rts_object_name *name;
    while (cache->failures >= FAILURES_MAX && (name = rts_table_next(&cache->names, &position)))
        if (name->failure)
            forget_name(cache, name);
    name = add_name(cache, lookup, NULL);
    name->changed_ns = lookup->changed_ns;
    name->failure = rts_calloc(1, sizeof *name->failure);
    *name->failure = *error;
    cache->failures++;
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
    uint64_t hash = hash_build(object);
    struct rts_cached_object *entry = rts_table_find(&cache->builds, hash, same_build, object);
    if (!entry)
        return NULL;
    /* What was parsed of one that was overwritten is of its old content. */
    if (!rts_object_is_intact(entry->object)) {
        rts_table_remove(&cache->builds, hash, same_build, object);
        return NULL;
    }
    if (!same_place(&entry->identity, identity))
        return NULL;
    return same_content(&entry->object->image, &object->image) ? entry : NULL;
}

static struct rts_object *get_new(struct rts_object_cache *cache, int fd, const char *path,
                                  const struct rts_debug_search *search,
                                  const struct lookup *lookup, struct rts_error *error)
{
    struct rts_error cause = {0};
    struct rts_object *object = rts_object_open(fd, path, search, &cause);
    if (!object) {
        if (!rts_is_short_of_files(cause.number))
            remember_failure(cache, lookup, &cause);
        if (error)
            *error = cause;
        return NULL;
    }
    /* It may have been written to since the caller looked. */
    const struct rts_file_stamp *stamp = rts_file_watch_stamp(object->image.watch);
    struct lookup opened = *lookup;
    opened.identity.size = stamp->size;
    opened.identity.mtime_ns = stamp->modified_ns;
    opened.changed_ns = stamp->changed_ns;
    rts_object_use_hashes(object, cache->hashes);
    rts_object_count_unread(object, &cache->unread_files);
    struct rts_cached_object *entry = find_copy(cache, object, &opened.identity);
    if (entry) {
        rts_object_destroy(object);
        add_name(cache, &opened, entry)->changed_ns = opened.changed_ns;
        rts_object_charge(entry->object, NAME_BYTES);
    } else {
        entry = add_entry(cache, object);
        entry->identity = opened.identity;
        rts_object_set_key(object, &opened, sizeof opened);
        add_name(cache, &opened, entry);
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
    struct lookup lookup = {
        .identity = {.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = (uint64_t)status.st_size,
                     .mtime_ns = nanoseconds(&status.st_mtim)},
        .changed_ns = nanoseconds(&status.st_ctim),
    };
    fill_place(&lookup.identity, path, search);
    struct rts_object_name *name =
        rts_table_find(&cache->names, hash_identity(&lookup.identity), same_identity, &lookup);
    /* One that was overwritten may have its size and its time again. */
    if (name && name->entry && name->changed_ns == 0 &&
        !rts_object_is_intact(name->entry->object)) {
        forget_name(cache, name);
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
            struct rts_cached_object *entry = add_entry(cache, cache->vdso);
            entry->pinned = true;
            use(cache, entry);
        }
    }
    return cache->vdso ? use(cache, find_entry(cache, cache->vdso)) : NULL;
}

void rts_object_cache_ref(struct rts_object_cache *cache, struct rts_object *object)
{
    struct rts_cached_object *entry = find_entry(cache, object);
    if (entry)
        use(cache, entry);
}

void rts_object_cache_unref(struct rts_object_cache *cache, struct rts_object *object)
{
    struct rts_cached_object *entry = find_entry(cache, object);
    if (entry && entry->references > 0)
        entry->references--;
}

static void drop_entry(struct rts_object_cache *cache, struct rts_cached_object *entry)
{
    rts_table_remove(&cache->objects, hash_object(entry->object), same_object, entry->object);
    if (cache->forgotten)
        cache->forgotten(cache->context, rts_object_serial(entry->object));
    rts_object_destroy(entry->object);
    free(entry);
}

/* Build-ids may be shared by files that differ, so the table of their first is made anew. */
static void index_builds(struct rts_object_cache *cache)
{
    size_t position = 0;
    struct rts_cached_object *entry;
    rts_table_clear(&cache->builds);
    while ((entry = rts_table_next(&cache->objects, &position)))
        add_build(cache, entry);
}

void rts_object_cache_drop(struct rts_object_cache *cache, struct rts_cached_object **entries,
                           size_t count)
{
    size_t position = 0;
    struct rts_object_name *name;
    while ((name = rts_table_next(&cache->names, &position)))
        if (name->entry && name->entry->doomed)
            forget_name(cache, name);
    for (size_t i = 0; i < count; i++)
        drop_entry(cache, entries[i]);
    index_builds(cache);
}

void rts_object_cache_destroy(struct rts_object_cache *cache)
{
    size_t position = 0;
    struct rts_object_name *name;
    struct rts_cached_object *entry;
    if (!cache)
        return;
    cache->forgotten = NULL; /* who asked may be gone */
    while ((name = rts_table_next(&cache->names, &position)))
        forget_name(cache, name);
    position = 0;
    while ((entry = rts_table_next(&cache->objects, &position)))
        drop_entry(cache, entry);
    rts_table_finish(&cache->names);
    rts_table_finish(&cache->objects);
    rts_table_finish(&cache->builds);
    free(cache);
}
