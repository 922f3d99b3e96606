/* SPDX-License-Identifier: Apache-2.0 */
#include "package/database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "package/apk.h"
#include "package/dpkg.h"
#include "package/os_release.h"
#include "package/rpm.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/memory.h"

/* A change of any package changes one of these. */
static const char *const watched[] = {
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/diversions",
    "/var/lib/dpkg/info",
    "/var/lib/dpkg/status.d",
    "/lib/apk/db/installed",
    "/usr/lib/apk/db/installed",
    "/etc/os-release",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite-wal",
    "/var/lib/rpm/Packages.db",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/usr/share/rpm/rpmdb.sqlite",
    "/usr/share/rpm/Packages",
};
#define WATCHED_COUNT (sizeof watched / sizeof *watched)

/* All zero when there is no such file. Compared as bytes: no padding. */
struct stamp {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
};

struct rts_package_database {
    unsigned references;
    struct stamp stamps[WATCHED_COUNT];
    struct rts_os_release os;
    struct rts_dpkg *dpkg;
    struct rts_apk *apk;
    struct rts_rpm *rpm; /* NULL: none, or not yet */
    enum rts_package_wait wait;
    struct rts_rpm_listing listing;
    struct rts_rpm_starter *starter; /* of the list; NULL: none has begun */
    bool unreadable;
    struct rts_share *share; /* NULL: none */
    size_t bytes;
};

static void read_stamps(const struct rts_tree *tree, struct stamp stamps[WATCHED_COUNT])
{
    memset(stamps, 0, WATCHED_COUNT * sizeof *stamps);
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct rts_file_status status;
        if (rts_tree_status(tree, watched[i], &status) == 0)
            stamps[i] = (struct stamp){
                .device = status.device,
                .inode = status.inode,
                .size = status.size,
                .modified_ns = status.modified_ns,
                .changed_ns = status.changed_ns,
            };
    }
}

static void say_unreadable(const char *root)
{
    rts_log("packages stay unknown: a database of them is too large, or took too long to read%s",
            root);
}

struct rts_package_database *rts_package_database_create(const struct rts_tree *tree,
                                                         const char *root)
{
    struct rts_reading reading;
    struct rts_package_database *database = rts_calloc(1, sizeof *database);
    database->references = 1;
    rts_rpm_listing_init(&database->listing);
    read_stamps(tree, database->stamps); /* before: what changes meanwhile is read again */
    rts_reading_begin(&reading, tree);
    rts_os_release_read(&reading, &database->os);
    database->dpkg = rts_dpkg_create(&reading);
    database->apk = reading.spent ? NULL : rts_apk_create(&reading);
    database->unreadable = reading.spent;
    if (reading.spent)
        say_unreadable(root);
    else if (rts_rpm_listing_is_wanted(tree))
        database->wait = RTS_PACKAGE_QUEUED;
    return database;
}

/* ---- the database of rpm ---- */

enum rts_package_wait rts_package_database_wait(const struct rts_package_database *database)
{
    return database->wait;
}

const struct rts_rpm_listing *
rts_package_database_listing(const struct rts_package_database *database)
{
    return &database->listing;
}

static void count_bytes(struct rts_package_database *database)
{
    if (!database->share)
        return;
    rts_share_take(database->share, database->bytes);
    database->bytes = rts_package_database_bytes(database);
    rts_share_add(database->share, database->bytes);
}

void rts_package_database_give_up(struct rts_package_database *database)
{
    if (database->wait == RTS_PACKAGE_COMPLETE)
        return;
    rts_rpm_listing_finish(&database->listing, database->starter);
    rts_rpm_destroy(database->rpm);
    database->rpm = NULL;
    database->wait = RTS_PACKAGE_COMPLETE;
    database->unreadable = true;
}

static void take_state(struct rts_package_database *database)
{
    switch (database->listing.state) {
    case RTS_RPM_QUEUED: database->wait = RTS_PACKAGE_QUEUED; break;
    case RTS_RPM_RUNNING: database->wait = RTS_PACKAGE_LISTING; break;
    case RTS_RPM_READY: database->wait = RTS_PACKAGE_READING; break;
    case RTS_RPM_FAILED: rts_package_database_give_up(database); break;
    }
}

void rts_package_database_begin(struct rts_package_database *database, const struct rts_tree *tree,
                                const char *root, struct rts_rpm_starter *starter, bool hurried,
                                uint64_t now_ns)
{
    database->starter = starter;
    rts_rpm_listing_begin(&database->listing, starter, tree, root, hurried, now_ns);
    take_state(database);
}

static void read_list(struct rts_package_database *database, const struct rts_tree *tree,
                      const char *root)
{
    struct rts_reading reading;
    bool failed;
    if (!database->rpm) {
        rts_reading_begin(&reading, tree);
        database->rpm = rts_rpm_begin(&reading, rts_take_fd(&database->listing.list));
    }
    if (!rts_rpm_go_on(database->rpm, tree, &failed))
        return;
    if (failed) {
        say_unreadable(root);
        rts_package_database_give_up(database);
    }
    database->wait = RTS_PACKAGE_COMPLETE;
    count_bytes(database);
}

void rts_package_database_go_on(struct rts_package_database *database, const struct rts_tree *tree,
                                const char *root)
{
    if (database->wait == RTS_PACKAGE_LISTING) {
        rts_rpm_listing_look(&database->listing, database->starter, root);
        take_state(database);
    }
    if (database->wait == RTS_PACKAGE_READING)
        read_list(database, tree, root);
}

/* ---- the whole ---- */

bool rts_package_database_is_unreadable(const struct rts_package_database *database)
{
    return database->unreadable;
}

size_t rts_package_database_bytes(const struct rts_package_database *database)
{
    return database ? rts_heap_bytes(sizeof *database) + rts_dpkg_bytes(database->dpkg) +
                          rts_apk_bytes(database->apk) + rts_rpm_bytes(database->rpm)
                    : 0;
}

struct rts_package_database *rts_package_database_ref(struct rts_package_database *database)
{
    database->references++;
    return database;
}

void rts_package_database_use_share(struct rts_package_database *database, struct rts_share *share)
{
    database->share = share;
    count_bytes(database);
}

void rts_package_database_unref(struct rts_package_database *database)
{
    if (!database || --database->references > 0)
        return;
    rts_dpkg_destroy(database->dpkg);
    rts_apk_destroy(database->apk);
    rts_rpm_destroy(database->rpm);
    rts_rpm_listing_finish(&database->listing, database->starter);
    if (database->share)
        rts_share_take(database->share, database->bytes);
    free(database);
}

bool rts_package_database_is_current(const struct rts_package_database *database,
                                     const struct rts_tree *tree)
{
    struct stamp now[WATCHED_COUNT];
    read_stamps(tree, now);
    return memcmp(now, database->stamps, sizeof now) == 0;
}

bool rts_package_database_is_there(const struct rts_tree *left, const struct rts_tree *right)
{
    struct stamp first[WATCHED_COUNT], second[WATCHED_COUNT];
    read_stamps(left, first);
    read_stamps(right, second);
    return memcmp(first, second, sizeof first) == 0;
}

bool rts_package_database_owner(const struct rts_package_database *database,
                                const struct rts_tree *tree, const char *path,
                                struct rts_package_owner *owner)
{
    const struct rts_os_release *os = &database->os;
    struct rts_reading reading;
    rts_reading_begin_question(&reading, tree);
    *owner = (struct rts_package_owner){0};
    return (database->dpkg && rts_dpkg_owner(database->dpkg, &reading, os, path, owner)) ||
           (database->apk && rts_apk_owner(database->apk, &reading, os, path, owner)) ||
           (database->rpm && rts_rpm_owner(database->rpm, &reading, os, path, owner));
}
