/* SPDX-License-Identifier: Apache-2.0 */
#include "package/package_table.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "binary/object_content.h"
#include "broker/sealed_copy.h"
#include "package/allowance.h"
#include "package/components.h"
#include "package/file_package.h"
#include "package/purl_table.h"
#include "package/root_rpm.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/table.h"

/* Root directories that are held open for objects not looked at yet. */
#define HELD_MAX 64

/* Of the two seconds in which a run ends. */
#define LAST_MS 1000

/* How long an answer is waited for, at the end of a run, before others are looked for. */
#define LIST_TURN_MS 5

struct place {
    struct rts_package_root *root;
    struct rts_rights rights; /* that the file is read with */
    char *path;
    bool certain;
};

struct entry {
    uint32_t serial;
    struct rts_object *object;                   /* NULL: it is settled, or */
    bool put_off;                                /* its owner had no time left */
    struct place places[RTS_PACKAGE_PLACES_MAX]; /* until it is settled */
    size_t place_count;
    struct rts_package package;
    struct rts_components *components; /* NULL: it is of one package as a whole */
    struct entry *next_dead;
};

/* With its places in tables. */
#define ENTRY_BYTES (rts_heap_bytes(sizeof(struct entry)) + 2 * sizeof(struct rts_table_slot))

struct rts_package_table {
    struct rts_table entries; /* by serial */
    struct rts_purl_table purls;
    struct entry *dead; /* of objects that are gone */
    struct rts_package_roots roots;
    struct rts_allowance allowance;
    uint64_t put_off;
    uint64_t deadline_ns;         /* until then lists are waited for; 0: they are not */
    uint64_t waited_ns;           /* for them */
    struct rts_share own, *share; /* the one in use; its own until it is given another */
};

struct rts_package_table *rts_package_table_create(void)
{
    struct rts_package_table *table = rts_calloc(1, sizeof *table);
    table->roots.allowance = &table->allowance;
    rts_package_table_use_share(table, &table->own);
    return table;
}

void rts_package_table_use_share(struct rts_package_table *table, struct rts_share *share)
{
    table->share = table->roots.share = share;
}

void rts_package_table_wait(struct rts_package_table *table, uint64_t wait_ms)
{
    table->deadline_ns = rts_clock_monotonic_ns() + wait_ms * 1000000;
}

void rts_package_table_hurry(struct rts_package_table *table)
{
    table->roots.hurried = true;
    rts_package_table_wait(table, LAST_MS);
    rts_allowance_hurry(&table->allowance);
}

void rts_package_table_turn(struct rts_package_table *table)
{
    if (table)
        rts_package_roots_turn(&table->roots);
}

bool rts_package_table_is_busy(const struct rts_package_table *table)
{
    return table && table->roots.reading;
}

bool rts_package_table_hold(struct rts_package_table *table, uint64_t due_ns, uint64_t now_ns)
{
    return table && rts_package_roots_hold(&table->roots, due_ns, now_ns);
}

void rts_package_table_use_starter(struct rts_package_table *table, struct rts_rpm_starter *starter)
{
    table->roots.starter = starter;
}

static void forget_places(struct entry *entry)
{
    for (size_t i = 0; i < entry->place_count; i++)
        free(entry->places[i].path);
    entry->place_count = 0;
}

static void release(struct rts_package_table *table, const char *text)
{
    rts_purl_table_release(&table->purls, table->share, text);
}

static void free_dead(struct rts_package_table *table)
{
    for (struct entry *entry; (entry = table->dead);) {
        table->dead = entry->next_dead;
        release(table, entry->package.purl);
        release(table, entry->package.stale);
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
    rts_package_roots_finish(&table->roots);
    size_t position = 0;
    struct entry *entry;
    while ((entry = rts_table_next(&table->entries, &position))) {
        rts_components_destroy(entry->components);
        forget_places(entry);
        free(entry);
    }
    rts_table_finish(&table->entries);
    rts_purl_table_finish(&table->purls);
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

/* ---- objects ---- */

static bool is_complete(const struct rts_package_root *root)
{
    return root->database && rts_package_database_wait(root->database) == RTS_PACKAGE_COMPLETE;
}

/* Until the databases of this root are complete, or the time for all of them is over. Who was late
 * is not waited for again. */
static void wait_for(struct rts_package_table *table, struct rts_package_root *root)
{
    const uint64_t begin = rts_clock_monotonic_ns();
    uint64_t now = begin;
    for (; !is_complete(root) && now < table->deadline_ns &&
           !rts_rpm_turns_pauses(&table->roots.turns, &root->payer, now);
         now = rts_clock_monotonic_ns()) {
        rts_package_roots_turn(&table->roots);
        if (!is_complete(root) && !table->roots.reading)
            rts_rpm_starter_wait(table->roots.starter, LIST_TURN_MS);
    }
    table->waited_ns += now - begin;
    rts_package_roots_give_up(&table->roots, root);
}

/* NULL: they are not complete. */
static const struct rts_package_database *databases_of(struct rts_package_table *table,
                                                       struct rts_package_root *root)
{
    rts_package_roots_database(&table->roots, root);
    if (!is_complete(root) && table->deadline_ns > 0)
        wait_for(table, root);
    return is_complete(root) ? root->database : NULL;
}

/* Is it known without a look that one of the places has databases that are not complete? */
static bool has_to_wait(const struct rts_package_table *table, const struct entry *entry)
{
    for (size_t i = 0; table->deadline_ns == 0 && i < entry->place_count; i++)
        if (entry->places[i].root->database && !is_complete(entry->places[i].root))
            return true;
    return false;
}

/* What the first place that knows it says; of a package that has moved on the first counts too.
 * False: one of the databases is not complete. */
static bool read_package(struct rts_package_table *table, const struct entry *entry,
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
            .database = databases_of(table, noted->root),
            .must_match = !noted->certain,
        };
        if (!place.database)
            return false;
        rts_file_package_read(package, entry->object, &place);
    }
    return true;
}

/* In our own root that of root is the host's, the rest its owners'; in others who has made the root
 * has made it all. */
static struct rts_payer payer_of(const struct entry *entry)
{
    struct stat status;
    const struct rts_payer *payer = &entry->places[0].root->payer;
    int fd = rts_object_fd(entry->object);
    if (!payer->host || fd < 0)
        return *payer;
    /* A copy in memory is ours, and nobody's file. */
    const bool copied = rts_sealed_is(fd);
    if (!copied && (fstat(fd, &status) < 0 || status.st_uid == 0))
        return *payer;
    return (struct rts_payer){.uid = copied ? entry->places[0].rights.uid : status.st_uid};
}

/* Components are in memory as long as their object, and are charged to it. False: it has to wait.
 */
static bool look(struct rts_package_table *table, struct entry *entry)
{
    struct rts_file_package package;
    if (!read_package(table, entry, &package))
        return false;
    entry->components = rts_components_read(entry->object);
    if (entry->components)
        rts_object_charge(entry->object, rts_components_bytes(entry->components));
    entry->package.modified = package.modified;
    entry->package.purl = rts_purl_table_take(&table->purls, table->share, package.purl);
    entry->package.stale = rts_purl_table_take(&table->purls, table->share, package.stale);
    return true;
}

static void put_off(struct rts_package_table *table, struct entry *entry)
{
    entry->put_off = true;
    table->put_off++;
    entry->object = NULL;
    forget_places(entry);
}

/* The object stays when the entry has to wait. */
static void settle_entry(struct rts_package_table *table, struct entry *entry)
{
    if (has_to_wait(table, entry))
        return;
    const struct rts_payer payer = payer_of(entry);
    const uint64_t begin = rts_clock_monotonic_ns(), waited = table->waited_ns;
    bool first;
    if (!rts_allowance_has(&table->allowance, &payer, begin, &first)) {
        if (first)
            rts_log("packages of some files stay unknown: looking for those of one owner takes too "
                    "long%s",
                    entry->places[0].root->name);
        put_off(table, entry);
        return;
    }
    bool settled = look(table, entry);
    const uint64_t end = rts_clock_monotonic_ns();
    rts_allowance_pay(&table->allowance, &payer, end, end - begin - (table->waited_ns - waited));
    if (!settled)
        return;
    entry->object = NULL;
    forget_places(entry);
}

static void add_place(struct rts_package_table *table, struct entry *entry,
                      const struct rts_package_place *place)
{
    struct rts_package_root *root =
        rts_package_roots_get(&table->roots, &place->tree, place->namespace);
    if (root && entry->place_count < RTS_PACKAGE_PLACES_MAX)
        entry->places[entry->place_count++] =
            (struct place){root, place->tree.rights, rts_strdup(place->path), place->certain};
}

void rts_package_table_note(struct rts_package_table *table, struct rts_object *object,
                            const struct rts_package_place *places, size_t count)
{
    struct entry *entry = find_entry(table, object);
    if (entry && !entry->put_off)
        return;
    if (table->roots.count >= HELD_MAX)
        rts_package_table_settle(table);
    struct entry noted = {.serial = rts_object_serial(object), .object = object};
    for (size_t i = 0; i < count; i++)
        add_place(table, &noted, &places[i]);
    if (noted.place_count == 0) /* no root directory could be held open: perhaps the next time */
        return;
    if (!entry) {
        entry = rts_calloc(1, sizeof *entry);
        rts_table_add(&table->entries, rts_hash_u64(noted.serial), entry);
        rts_share_add(table->share, ENTRY_BYTES);
    }
    *entry = noted;
}

struct rts_package_counts rts_package_table_counts(const struct rts_package_table *table)
{
    return (struct rts_package_counts){
        .unreadable = table->roots.unreadable,
        .late = table->roots.late,
        .put_off = table->put_off,
    };
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

/* What waits holds its root directories; where there are too many of them, it waits no more. */
static void hold_roots(struct rts_package_table *table)
{
    size_t position = 0;
    struct entry *entry;
    for (size_t i = 0; i < table->roots.count; i++)
        table->roots.items[i]->pins = 0;
    while ((entry = rts_table_next(&table->entries, &position)))
        for (size_t i = 0; i < entry->place_count; i++)
            entry->places[i].root->pins++;
    rts_package_roots_doom(&table->roots);
    position = 0;
    while ((entry = rts_table_next(&table->entries, &position)))
        for (size_t i = 0; i < entry->place_count; i++)
            if (entry->places[i].root->doomed)
                put_off(table, entry);
}

void rts_package_table_settle(struct rts_package_table *table)
{
    size_t position = 0;
    struct entry *entry;
    while ((entry = rts_table_next(&table->entries, &position)))
        if (entry->object)
            settle_entry(table, entry);
    hold_roots(table);
    rts_package_roots_release(&table->roots);
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
    rts_package_roots_bound(&table->roots);
}
