/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which package the code of an object belongs to, found out once per object, at flush. Evidence
 * nearest to the code wins; what is not known stays empty.
 */
#ifndef RTS_PACKAGE_PACKAGE_TABLE_H
#define RTS_PACKAGE_PACKAGE_TABLE_H

#include "broker/tree.h"
#include "types.h"
#include "util/share.h"

/* Strings are owned by the table and live until it is trimmed. */
struct rts_package {
    const char *purl;  /* NULL: not known */
    const char *stale; /* purl of what the package manager has put in place of the mapped file since
                          it was mapped; NULL: the file is what it was */
    bool modified;     /* the file is not as its package brought it */
};

struct rts_package_table;
struct rts_rpm_starter; /* package/rpm_starter.h */

struct rts_package_table *rts_package_table_create(void);
void rts_package_table_destroy(struct rts_package_table *table);

/* Where a process has an object from. All is copied or duplicated, but for the broker. */
struct rts_package_place {
    const char *path;     /* below the root directory */
    struct rts_tree tree; /* a root directory, -1: every path means what it means to us; and the
                             rights that the file and what lies beside it are read with */
    uint64_t namespace;   /* inode of its mount namespace */
    bool certain;         /* false: it counts only if it has the very file */
};

/* Of an object: the root directory of its process, and ours. */
#define RTS_PACKAGE_PLACES_MAX 2

/* Notes that `object` is mapped from the `count` places, at most RTS_PACKAGE_PLACES_MAX, which are
 * asked one after the other until one knows its package. Cheap; does nothing for an object that is
 * known. The object must live until rts_package_table_settle(); what was linked
 * into it is charged to it. */
void rts_package_table_note(struct rts_package_table *table, struct rts_object *object,
                            const struct rts_package_place *places, size_t count);

/* The package of a function (its linkage name) of `object`; nothing is known of an object that was
 * never noted, nor, for now, of one that waits for the list of a database of rpm. */
struct rts_package rts_package_table_find(struct rts_package_table *table,
                                          const struct rts_object *object, const char *function);

struct rts_package_counts {
    uint64_t unreadable; /* databases that could not be read, or not as a whole */
    uint64_t late;       /* how often a database of rpm was not listed in time, and given up for a
                            while, with all others of its owner */
    uint64_t put_off; /* objects that were not looked at: their owner kept us from the samples for
                         too long already (package/allowance.h) */
};

/* All of them, since the table was created. */
struct rts_package_counts rts_package_table_counts(const struct rts_package_table *table);

/* Goes on with databases of rpm, which are listed beside us: some milliseconds at most. To be
 * called between any two looks for records. Accepts NULL, as the next two do. */
void rts_package_table_turn(struct rts_package_table *table);

/* Is there more to be done at once? */
bool rts_package_table_is_busy(const struct rts_package_table *table);

/* Shall the end of a window, which was due at `due_ns`, wait at `now_ns` until more is known? A few
 * seconds at most for what is not the host's. */
bool rts_package_table_hold(struct rts_package_table *table, uint64_t due_ns, uint64_t now_ns);

/* From now on rts_package_table_find() waits for lists that are under way, so long at most for all
 * of them together, and then does without. */
void rts_package_table_wait(struct rts_package_table *table, uint64_t wait_ms);

/* The run is about to end: the same, for a second, and nobody else waits long for what is not the
 * host's. */
void rts_package_table_hurry(struct rts_package_table *table);

/* Has rtsample-rpm started by `starter` (package/rpm_starter.h), which must outlive the table.
 * Without one no database of rpm is read. */
void rts_package_table_use_starter(struct rts_package_table *table,
                                   struct rts_rpm_starter *starter);

/* Counts there what databases and purls take, and keeps to its limit. It must outlive the table. */
void rts_package_table_use_share(struct rts_package_table *table, struct rts_share *share);

/* The object with this serial is gone, and so may be what is known of it, when the table is
 * trimmed. */
void rts_package_table_forget(struct rts_package_table *table, uint32_t serial);

/* Frees what was forgotten, and databases, those first that were not used for longest, while the
 * share is over its limit. Nobody holds a string of the table any more. */
void rts_package_table_trim(struct rts_package_table *table);

/* Finds out about every object that was noted, and lets go of objects and root directories; but for
 * those that wait for a list. Their objects may go all the same, if that is told. */
void rts_package_table_settle(struct rts_package_table *table);

#endif
