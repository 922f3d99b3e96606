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

/* A root directory, as one mount namespace shows it, with the databases below it. Those of our own
 * root are the host's, and read with our own rights; those of another one with the rights of a
 * process there. */
struct root {
    uint64_t device, inode; /* 0, 0: our own */
    uint64_t namespace;
    struct rts_tree tree; /* root_fd: owned; -1: our own, or let go of */
    bool current;         /* the database has been checked in this window */
    uint64_t last_use;
    struct rts_package_database *database; /* NULL: not read yet */
};

struct place {
    struct root *root;
    struct rts_rights rights; /* that the file is read with */
    char *path;
    bool certain;
};

struct entry {
    uint32_t serial;
    struct rts_object *object;                   /* NULL: settled */
    struct place places[RTS_PACKAGE_PLACES_MAX]; /* until it is settled */
    size_t place_count;
    struct rts_package package;
    struct rts_components *components; /* NULL: it is of one package as a whole */
    struct entry *next_dead;
};

/* With its places in tables. */
#define ENTRY_BYTES (rts_heap_bytes(sizeof(struct entry)) + 2 * sizeof(struct rts_table_slot))

/* A text that entries share. */
struct purl {
    unsigned references;
    size_t bytes;
    char text[];
};

struct rts_package_table {
    struct rts_table entries; /* by serial */
    struct rts_table purls;   /* struct purl, by text */
    struct entry *dead;       /* of objects that are gone */
    struct root **roots;
    size_t root_count, root_capacity;
    uint64_t clock;
    size_t component_count;
    unsigned rpm_failures;
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

struct rts_package_table *rts_package_table_create(void)
{
    struct rts_package_table *table = rts_calloc(1, sizeof *table);
    table->share = &table->own;
    return table;
}

void rts_package_table_use_share(struct rts_package_table *table, struct rts_share *share)
{
    table->share = share;
}

static void destroy_root(struct root *root)
{
    rts_package_database_unref(root->database);
    if (root->tree.root_fd >= 0)
        close(root->tree.root_fd);
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

static bool same_text(const void *item, const void *key)
{
    return strcmp(((const struct purl *)item)->text, key) == 0;
}

static uint64_t hash_text(const char *text)
{
    return rts_hash_bytes(text, strlen(text), 0);
}

/* The table's own copy of `text`, which is freed, with a reference more. */
static const char *intern(struct rts_package_table *table, char *text)
{
    if (!text)
        return NULL;
    uint64_t hash = hash_text(text);
    struct purl *purl = rts_table_find(&table->purls, hash, same_text, text);
    if (!purl && table->purls.count < PURLS_MAX) {
        size_t size = sizeof *purl + strlen(text) + 1;
        purl = rts_calloc(1, size);
        purl->bytes = rts_heap_bytes(size) + 2 * sizeof(struct rts_table_slot);
        strcpy(purl->text, text);
        rts_table_add(&table->purls, hash, purl);
        rts_share_add(table->share, purl->bytes);
    }
    free(text);
    if (purl)
        purl->references++;
    return purl ? purl->text : NULL;
}

static void release(struct rts_package_table *table, const char *text)
{
    struct purl *purl =
        text ? rts_table_find(&table->purls, hash_text(text), same_text, text) : NULL;
    if (!purl || --purl->references > 0)
        return;
    rts_table_remove(&table->purls, hash_text(text), same_text, text);
    rts_share_take(table->share, purl->bytes);
    free(purl);
}

static void free_dead(struct rts_package_table *table)
{
    for (struct entry *entry; (entry = table->dead);) {
        table->dead = entry->next_dead;
        release(table, entry->package.purl);
        release(table, entry->package.stale);
        table->component_count -= entry->components ? entry->components->count : 0;
        rts_components_destroy(entry->components);
        rts_share_take(table->share, ENTRY_BYTES);
        free(entry);
    }
}

void rts_package_table_destroy(struct rts_package_table *table)
{
    if (!table)
        return;
    free_dead(table);
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

/* Whichever process they are of. */
static bool same_rights(const struct rts_rights *left, const struct rts_rights *right)
{
    return left->foreign == right->foreign && left->uid == right->uid && left->gid == right->gid &&
           left->reads_all == right->reads_all && left->group_count == right->group_count &&
           memcmp(left->groups, right->groups, left->group_count * sizeof *left->groups) == 0;
}

static struct root *find_root(struct rts_package_table *table, const struct stat *status,
                              uint64_t namespace, const struct rts_rights *rights)
{
    for (size_t i = 0; i < table->root_count; i++) {
        struct root *root = table->roots[i];
        if (root->device == status->st_dev && root->inode == status->st_ino &&
            root->namespace == namespace && same_rights(&root->tree.rights, rights))
            return root;
    }
    return NULL;
}

static struct root *root_of(struct rts_package_table *table, const struct rts_package_place *place)
{
    struct stat status = {0};
    struct rts_tree tree = place->tree;
    const int fd = tree.root_fd;
    if (fd >= 0 && fstat(fd, &status) < 0)
        return NULL;
    if (fd < 0)
        tree.rights = (struct rts_rights){0};
    uint64_t namespace = fd < 0 ? 0 : place->namespace;
    struct root *root = find_root(table, &status, namespace, &tree.rights);
    if (!root) {
        root = rts_calloc(1, sizeof *root);
        root->device = status.st_dev;
        root->inode = status.st_ino;
        root->namespace = namespace;
        root->tree = tree;
        root->tree.root_fd = -1;
        table->roots =
            rts_grow(table->roots, table->root_count, &table->root_capacity, sizeof root);
        table->roots[table->root_count++] = root;
    }
    if (fd >= 0 && root->tree.root_fd < 0) {
        root->tree = tree; /* of a process that is there now */
        root->tree.root_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
    root->last_use = ++table->clock;
    return fd >= 0 && root->tree.root_fd < 0 ? NULL : root;
}

/* Services in mount namespaces of their own mostly see the database that everybody sees. */
static struct rts_package_database *share_database(const struct rts_package_table *table,
                                                   const struct root *root)
{
    for (size_t i = 0; i < table->root_count; i++) {
        struct rts_package_database *database = table->roots[i]->database;
        if (database && rts_package_database_is_current(database, &root->tree))
            return rts_package_database_ref(database);
    }
    return NULL;
}

static const struct rts_package_database *database_of(struct rts_package_table *table,
                                                      struct root *root)
{
    if (root->database && !root->current &&
        !rts_package_database_is_current(root->database, &root->tree)) {
        rts_package_database_unref(root->database);
        root->database = NULL;
    }
    if (!root->database)
        root->database = share_database(table, root);
    if (!root->database) {
        root->database = rts_package_database_create(&root->tree, &table->rpm_failures);
        rts_package_database_use_share(root->database, table->share);
    }
    root->current = true;
    return root->database;
}

static int compare_use(const void *left, const void *right)
{
    const struct root *a = *(struct root *const *)left, *b = *(struct root *const *)right;
    return a->last_use > b->last_use ? -1 : a->last_use < b->last_use;
}

/* Those that were not used for longest go, to be read again for the next object below their root.
 */
static void bound_databases(struct rts_package_table *table)
{
    if (!rts_share_is_over(table->share))
        return;
    qsort(table->roots, table->root_count, sizeof *table->roots, compare_use);
    for (size_t i = table->root_count; i-- > 0 && rts_share_is_over(table->share);) {
        struct root *root = table->roots[i];
        table->share->evictions += root->database != NULL;
        rts_package_database_unref(root->database);
        root->database = NULL;
    }
}

/* Lets go of all root directories, and forgets those that were not used for longest. */
static void release_roots(struct rts_package_table *table)
{
    if (table->root_count > ROOTS_MAX)
        qsort(table->roots, table->root_count, sizeof *table->roots, compare_use);
    while (table->root_count > ROOTS_MAX)
        destroy_root(table->roots[--table->root_count]);
    bound_databases(table);
    for (size_t i = 0; i < table->root_count; i++) {
        struct root *root = table->roots[i];
        if (root->tree.root_fd >= 0)
            close(root->tree.root_fd);
        root->tree.root_fd = -1;
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
        struct rts_tree tree = noted->root->tree;
        tree.rights = noted->rights;
        const struct rts_file_place place = {
            .path = noted->path,
            .tree = &tree,
            .databases = &noted->root->tree,
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
    if (entry->components) {
        table->component_count += entry->components->count;
        rts_object_charge(entry->object, rts_components_bytes(entry->components));
    }
    entry->package.modified = package.modified;
    entry->package.purl = intern(table, package.purl);
    entry->package.stale = intern(table, package.stale);
    entry->object = NULL;
    forget_places(entry);
}

static void add_place(struct rts_package_table *table, struct entry *entry,
                      const struct rts_package_place *place)
{
    struct root *root = root_of(table, place);
    if (root && entry->place_count < RTS_PACKAGE_PLACES_MAX)
        entry->places[entry->place_count++] =
            (struct place){root, place->tree.rights, rts_strdup(place->path), place->certain};
}

void rts_package_table_note(struct rts_package_table *table, struct rts_object *object,
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
    rts_share_add(table->share, ENTRY_BYTES);
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

void rts_package_table_forget(struct rts_package_table *table, uint32_t serial)
{
    struct entry *entry =
        rts_table_remove(&table->entries, rts_hash_u64(serial), same_serial, &serial);
    if (!entry)
        return;
    forget_places(entry);
    entry->next_dead = table->dead;
    table->dead = entry;
}

void rts_package_table_trim(struct rts_package_table *table)
{
    free_dead(table);
    bound_databases(table);
}
