/* SPDX-License-Identifier: Apache-2.0 */
#include "package/package_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/object.h"
#include "package/components.h"
#include "package/database.h"
#include "package/file_package.h"
#include "util/memory.h"
#include "util/table.h"

/* Objects remembered: some 10 MiB. More are never known. */
#define OBJECTS_MAX (1u << 17)

/* Roots whose databases are kept: some 4 MiB each. */
#define ROOTS_MAX 8

/* Root directories that are held open for objects not looked at yet. */
#define HELD_MAX 64

/* Distinct purls: beyond it new ones are not known. */
#define PURLS_MAX (1u << 16)

/* Components of all objects together: some 30 MiB. Objects beyond it are known as a whole only. */
#define COMPONENTS_MAX 200000u

/* A root directory, as one mount namespace shows it, with the databases below it. */
struct root {
    uint64_t device, inode; /* 0, 0: our own */
    uint64_t namespace;
    int fd;       /* -1: our own, or let go of */
    bool current; /* the database has been checked in this window */
    uint64_t last_use;
    struct rts_package_database *database; /* NULL: not read yet */
};

struct place {
    struct root *root;
    char *path;
    bool certain;
};

struct entry {
    uint32_t serial;
    const struct rts_object *object;             /* NULL: settled */
    struct place places[RTS_PACKAGE_PLACES_MAX]; /* until it is settled */
    size_t place_count;
    struct rts_package package;
    struct rts_components *components; /* NULL: it is of one package as a whole */
};

struct rts_package_table {
    struct rts_table entries; /* by serial */
    struct rts_table purls;   /* char *, interned */
    struct root **roots;
    size_t root_count, root_capacity;
    uint64_t clock;
    size_t component_count;
    unsigned rpm_failures;
};

struct rts_package_table *rts_package_table_create(void)
{
    return rts_calloc(1, sizeof(struct rts_package_table));
}

static void destroy_root(struct root *root)
{
    rts_package_database_unref(root->database);
    if (root->fd >= 0)
        close(root->fd);
    free(root);
}

static void forget_places(struct entry *entry)
{
    for (size_t i = 0; i < entry->place_count; i++)
        free(entry->places[i].path);
    entry->place_count = 0;
}

static void free_items(struct rts_table *table)
{
    size_t position = 0;
    void *item;
    while ((item = rts_table_next(table, &position)))
        free(item);
    rts_table_finish(table);
}

void rts_package_table_destroy(struct rts_package_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->root_count; i++)
        destroy_root(table->roots[i]);
    free(table->roots);
    size_t position = 0;
    struct entry *entry;
    while ((entry = rts_table_next(&table->entries, &position))) {
        rts_components_destroy(entry->components);
        forget_places(entry);
    }
    free_items(&table->entries);
    free_items(&table->purls);
    free(table);
}

static bool same_text(const void *item, const void *key)
{
    return strcmp(item, key) == 0;
}

/* The table's own copy of `text`, which is freed. */
static const char *intern(struct rts_package_table *table, char *text)
{
    if (!text)
        return NULL;
    uint64_t hash = rts_hash_bytes(text, strlen(text), 0);
    char *known = rts_table_find(&table->purls, hash, same_text, text);
    if (!known && table->purls.count < PURLS_MAX) {
        rts_table_add(&table->purls, hash, text);
        return text;
    }
    free(text);
    return known;
}

static bool same_serial(const void *item, const void *key)
{
    return ((const struct entry *)item)->serial == *(const uint32_t *)key;
}

static struct entry *find_entry(const struct rts_package_table *table,
                                const struct rts_object *object)
{
    uint32_t serial = rts_object_serial(object);
    return rts_table_find(&table->entries, rts_hash_u64(serial), same_serial, &serial);
}

/* ---- roots ---- */

static struct root *find_root(struct rts_package_table *table, const struct stat *status,
                              uint64_t namespace)
{
    for (size_t i = 0; i < table->root_count; i++) {
        struct root *root = table->roots[i];
        if (root->device == status->st_dev && root->inode == status->st_ino &&
            root->namespace == namespace)
            return root;
    }
    return NULL;
}

static struct root *root_of(struct rts_package_table *table, int fd, uint64_t namespace)
{
    struct stat status = {0};
    if (fd >= 0 && fstat(fd, &status) < 0)
        return NULL;
    if (fd < 0)
    namespace = 0;
    struct root *root = find_root(table, &status, namespace);
    if (!root) {
        root = rts_calloc(1, sizeof *root);
        root->device = status.st_dev;
        root->inode = status.st_ino;
        root->namespace = namespace;
        root->fd = -1;
        table->roots =
            rts_grow(table->roots, table->root_count, &table->root_capacity, sizeof root);
        table->roots[table->root_count++] = root;
    }
    if (fd >= 0 && root->fd < 0)
        root->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    root->last_use = ++table->clock;
    return fd >= 0 && root->fd < 0 ? NULL : root;
}

/* Services in mount namespaces of their own mostly see the database that everybody sees. */
static struct rts_package_database *share_database(const struct rts_package_table *table,
                                                   const struct root *root)
{
    for (size_t i = 0; i < table->root_count; i++) {
        struct rts_package_database *database = table->roots[i]->database;
        if (database && rts_package_database_is_current(database, root->fd))
            return rts_package_database_ref(database);
    }
    return NULL;
}

static const struct rts_package_database *database_of(struct rts_package_table *table,
                                                      struct root *root)
{
    if (root->database && !root->current &&
        !rts_package_database_is_current(root->database, root->fd)) {
        rts_package_database_unref(root->database);
        root->database = NULL;
    }
    if (!root->database)
        root->database = share_database(table, root);
    if (!root->database)
        root->database = rts_package_database_create(root->fd, &table->rpm_failures);
    root->current = true;
    return root->database;
}

static int compare_use(const void *left, const void *right)
{
    const struct root *a = *(struct root *const *)left, *b = *(struct root *const *)right;
    return a->last_use > b->last_use ? -1 : a->last_use < b->last_use;
}

/* Lets go of all root directories, and forgets those that were not used for longest. */
static void release_roots(struct rts_package_table *table)
{
    if (table->root_count > ROOTS_MAX)
        qsort(table->roots, table->root_count, sizeof *table->roots, compare_use);
    while (table->root_count > ROOTS_MAX)
        destroy_root(table->roots[--table->root_count]);
    for (size_t i = 0; i < table->root_count; i++) {
        struct root *root = table->roots[i];
        if (root->fd >= 0)
            close(root->fd);
        root->fd = -1;
        root->current = false;
    }
}

/* ---- objects ---- */

/* What the first place that knows it says; of a package that has moved on the first counts too. */
static void read_package(struct rts_package_table *table, const struct entry *entry,
                         struct rts_file_package *package)
{
    *package = (struct rts_file_package){0};
    for (size_t i = 0; i < entry->place_count && !package->purl && !package->stale; i++) {
        const struct place *noted = &entry->places[i];
        const struct rts_file_place place = {
            .path = noted->path,
            .root_fd = noted->root->fd,
            .database = database_of(table, noted->root),
            .must_match = !noted->certain,
        };
        rts_file_package_read(package, entry->object, &place);
    }
}

static void settle_entry(struct rts_package_table *table, struct entry *entry)
{
    struct rts_file_package package;
    read_package(table, entry, &package);
    if (table->component_count < COMPONENTS_MAX)
        entry->components = rts_components_read(entry->object);
    table->component_count += entry->components ? entry->components->count : 0;
    entry->package.modified = package.modified;
    entry->package.purl = intern(table, package.purl);
    entry->package.stale = intern(table, package.stale);
    entry->object = NULL;
    forget_places(entry);
}

static void add_place(struct rts_package_table *table, struct entry *entry,
                      const struct rts_package_place *place)
{
    struct root *root = root_of(table, place->root_fd, place->namespace);
    if (root && entry->place_count < RTS_PACKAGE_PLACES_MAX)
        entry->places[entry->place_count++] =
            (struct place){root, rts_strdup(place->path), place->certain};
}

void rts_package_table_note(struct rts_package_table *table, const struct rts_object *object,
                            const struct rts_package_place *places, size_t count)
{
    if (table->entries.count >= OBJECTS_MAX || find_entry(table, object))
        return;
    if (table->root_count >= HELD_MAX)
        rts_package_table_settle(table);
    struct entry *entry = rts_calloc(1, sizeof *entry);
    entry->serial = rts_object_serial(object);
    entry->object = object;
    for (size_t i = 0; i < count; i++)
        add_place(table, entry, &places[i]);
    if (entry->place_count == 0) { /* no root directory could be held open: perhaps the next time */
        free(entry);
        return;
    }
    rts_table_add(&table->entries, rts_hash_u64(entry->serial), entry);
}

struct rts_package rts_package_table_find(struct rts_package_table *table,
                                          const struct rts_object *object, const char *function)
{
    struct entry *entry = find_entry(table, object);
    if (!entry)
        return (struct rts_package){0};
    if (entry->object)
        settle_entry(table, entry);
    struct rts_package package = entry->package;
    const char *purl = entry->components ? rts_components_purl(entry->components, function) : NULL;
    if (purl)
        package.purl = purl;
    return package;
}

void rts_package_table_settle(struct rts_package_table *table)
{
    size_t position = 0;
    struct entry *entry;
    while ((entry = rts_table_next(&table->entries, &position)))
        if (entry->object)
            settle_entry(table, entry);
    release_roots(table);
}
