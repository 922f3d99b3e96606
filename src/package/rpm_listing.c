/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rpm_listing.h"

#include <unistd.h>

#include "package/reading.h"
#include "util/log.h"

/* The largest databases have some 300 MiB; those of containers 50. */
#define DATABASE_MAX       (512ULL << 20)
#define DATABASE_MAX_OTHER (128ULL << 20)

/* The list of a usual machine takes a second; rtsample-rpm itself takes at most 10 s of CPU time.
 */
#define WAIT_MS       20000
#define WAIT_MS_OTHER 4000
#define WAIT_MS_LAST  1000 /* at the end of a run */

/* A package manager may be at work: then the copy is made again. */
#define COPIES_MAX 3

bool rts_rpm_listing_is_wanted(const struct rts_tree *tree)
{
    struct rts_rpm_source source;
    bool found = rts_rpm_source_open(&source, tree);
    if (found)
        rts_rpm_source_close(&source);
    return found;
}

void rts_rpm_listing_init(struct rts_rpm_listing *listing)
{
    *listing = (struct rts_rpm_listing){.state = RTS_RPM_QUEUED, .backend = "", .list = -1};
}

static void fail(struct rts_rpm_listing *listing)
{
    listing->state = RTS_RPM_FAILED;
}

void rts_rpm_listing_begin(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter,
                           const struct rts_tree *tree, const char *name, bool hurried,
                           uint64_t now_ns)
{
    const bool ours = rts_reading_is_ours(tree);
    struct rts_rpm_job job = {
        .bytes_max = ours ? DATABASE_MAX : DATABASE_MAX_OTHER,
        .wait_ms = hurried ? WAIT_MS_LAST
                   : ours  ? WAIT_MS
                           : WAIT_MS_OTHER,
    };
    if (!rts_rpm_starter_is_there(starter)) {
        rts_log(
            "packages of rpm stay unknown: rtsample-rpm, which reads its database, is missing%s",
            name);
        fail(listing);
        return;
    }
    if (!rts_rpm_source_open(&job.source, tree)) {
        rts_log("packages of rpm stay unknown: a database of it cannot be opened any more%s", name);
        fail(listing);
        return;
    }
    listing->backend = rts_rpm_format(job.source.format)->backend;
    listing->began_ns = now_ns;
    listing->late = listing->unstarted = false;
    listing->job = rts_rpm_starter_begin(starter, &job);
    listing->unstarted = listing->job == 0;
    listing->state = listing->unstarted ? RTS_RPM_QUEUED : RTS_RPM_RUNNING;
    rts_rpm_source_close(&job.source);
}

void rts_rpm_listing_look(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter,
                          const char *name)
{
    enum rts_rpm_end end;
    if (listing->state != RTS_RPM_RUNNING ||
        !rts_rpm_starter_take(starter, listing->job, &end, &listing->list))
        return;
    listing->job = 0;
    switch (end) {
    case RTS_RPM_LISTED: listing->state = RTS_RPM_READY; return;
    case RTS_RPM_LATE:
        listing->late = true;
        listing->state = RTS_RPM_QUEUED;
        return;
    case RTS_RPM_UNSTARTED:
        listing->unstarted = true;
        listing->state = RTS_RPM_QUEUED;
        return;
    case RTS_RPM_CHANGED:
        if (++listing->copies < COPIES_MAX) {
            listing->state = RTS_RPM_QUEUED;
            return;
        }
        rts_log("packages of rpm stay unknown: a database of it is written to all the time%s",
                name);
        break;
    case RTS_RPM_TOO_LARGE:
        rts_log("packages of rpm stay unknown: a database of it is too large%s", name);
        break;
    case RTS_RPM_UNCOPIED:
        rts_log("packages of rpm stay unknown: no copy of a database of it can be made or read (is "
                "there room in TMPDIR or /var/tmp?)%s",
                name);
        break;
    case RTS_RPM_UNKNOWN:
        rts_log("packages of rpm stay unknown: librpm finds none in a database of the kind %s; it "
                "was built without support for it, or the database is damaged%s",
                listing->backend, name);
        break;
    default: rts_log("packages of rpm stay unknown: a database of it is damaged%s", name); break;
    }
    fail(listing);
}

void rts_rpm_listing_finish(struct rts_rpm_listing *listing, struct rts_rpm_starter *starter)
{
    rts_rpm_starter_drop(starter, listing->job);
    if (listing->list >= 0)
        close(listing->list);
    listing->list = -1;
    listing->job = 0;
}
