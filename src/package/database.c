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
#include "util/memory.h"
#include "util/open_below.h"

/* A change of any package changes one of these. */
static const char *const watched[] = {
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/diversions",
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

/* A database that cannot be read keeps us from the samples until that is clear: after so many, no
 * more are tried. */
#define RPM_FAILURES_MAX 3

/* All zero when there is no such file. Compared as bytes: no padding. */
struct stamp {
    uint64_t device, inode, size;
    int64_t changed_s, changed_ns;
};

struct rts_package_database {
    unsigned references;
    struct stamp stamps[WATCHED_COUNT];
    struct rts_os_release os;
    struct rts_dpkg *dpkg;
    struct rts_apk *apk;
    struct rts_rpm *rpm;
    struct rts_share *share; /* NULL: none */
    size_t bytes;
};

static void read_stamps(int root_fd, struct stamp stamps[WATCHED_COUNT])
{
    memset(stamps, 0, WATCHED_COUNT * sizeof *stamps);
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        RTS_CLOSE int file = rts_open_below(root_fd, watched[i]);
        RTS_CLOSE int folder = file < 0 ? rts_open_directory_below(root_fd, watched[i]) : -1;
        struct stat status;
        int fd = file < 0 ? folder : file;
        if (fd < 0 || fstat(fd, &status) < 0)
            continue;
        stamps[i] = (struct stamp){
            .device = status.st_dev,
            .inode = status.st_ino,
            .size = (uint64_t)status.st_size,
            .changed_s = status.st_ctim.tv_sec,
            .changed_ns = status.st_ctim.tv_nsec,
        };
    }
}

struct rts_package_database *rts_package_database_create(int root_fd, unsigned *rpm_failures)
{
    bool failed = false;
    struct rts_package_database *database = rts_calloc(1, sizeof *database);
    database->references = 1;
    read_stamps(root_fd, database->stamps); /* before: what changes meanwhile is read again */
    rts_os_release_read(root_fd, &database->os);
    database->dpkg = rts_dpkg_create(root_fd);
    database->apk = rts_apk_create(root_fd);
    if (*rpm_failures < RPM_FAILURES_MAX)
        database->rpm = rts_rpm_create(root_fd, &failed);
    *rpm_failures += failed;
    return database;
}

struct rts_package_database *rts_package_database_ref(struct rts_package_database *database)
{
    database->references++;
    return database;
}

void rts_package_database_use_share(struct rts_package_database *database, struct rts_share *share)
{
    database->share = share;
    database->bytes = rts_heap_bytes(sizeof *database) + rts_dpkg_bytes(database->dpkg) +
                      rts_apk_bytes(database->apk) + rts_rpm_bytes(database->rpm);
    rts_share_add(share, database->bytes);
}

void rts_package_database_unref(struct rts_package_database *database)
{
    if (!database || --database->references > 0)
        return;
    rts_dpkg_destroy(database->dpkg);
    rts_apk_destroy(database->apk);
    rts_rpm_destroy(database->rpm);
    if (database->share)
        rts_share_take(database->share, database->bytes);
    free(database);
}

bool rts_package_database_is_current(const struct rts_package_database *database, int root_fd)
{
    struct stamp now[WATCHED_COUNT];
    read_stamps(root_fd, now);
    return memcmp(now, database->stamps, sizeof now) == 0;
}

bool rts_package_database_owner(const struct rts_package_database *database, int root_fd,
                                const char *path, struct rts_package_owner *owner)
{
    const struct rts_os_release *os = &database->os;
    *owner = (struct rts_package_owner){0};
    return (database->dpkg && rts_dpkg_owner(database->dpkg, root_fd, os, path, owner)) ||
           (database->apk && rts_apk_owner(database->apk, root_fd, os, path, owner)) ||
           (database->rpm && rts_rpm_owner(database->rpm, os, path, owner));
}
