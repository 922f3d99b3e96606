/* SPDX-License-Identifier: Apache-2.0 */
#include "package/root_rpm.h"

#include <inttypes.h>

#include "util/clock.h"
#include "util/log.h"

/* What is wrong with those who start rtsample-rpm may pass. */
#define UNSTARTED_NS ((uint64_t)RTS_NS_PER_S)

/* How long the facts of others wait for the packages of somebody who is not the host. */
#define HOLD_NS (2 * RTS_NS_PER_S)

/* The same for the host's: so long a list of it may take, and some time to read it. */
#define HOLD_HOST_NS (25 * RTS_NS_PER_S)

void rts_package_roots_give_up(struct rts_package_roots *roots, struct rts_package_root *root)
{
    if (!root->database || rts_package_database_wait(root->database) == RTS_PACKAGE_COMPLETE)
        return;
    if (!root->shared)
        rts_package_roots_end_list(roots, root);
    rts_package_database_give_up(root->database);
    roots->unreadable++;
    if (!root->late)
        rts_log(
            "packages of rpm stay unknown: the run has ended before a database of it was listed%s",
            root->name);
}

static void take_late(struct rts_package_roots *roots, struct rts_package_root *root, uint64_t now)
{
    uint64_t pause = rts_rpm_turns_late(&roots->turns, &root->payer, now);
    roots->late++;
    if (root->late)
        return;
    root->late = true;
    rts_log(
        "packages of rpm stay unknown: to list a database of it takes too long; no other of its "
        "owner is tried for %" PRIu64 " s%s",
        pause / (uint64_t)RTS_NS_PER_S, root->name);
}

static void go_on(struct rts_package_roots *roots, struct rts_package_root *root)
{
    struct rts_package_database *database = root->database;
    const struct rts_rpm_listing *listing = rts_package_database_listing(database);
    const bool listed = rts_package_database_wait(database) == RTS_PACKAGE_LISTING;
    const bool unreadable = rts_package_database_is_unreadable(database);
    const uint64_t begin = rts_clock_monotonic_ns();
    rts_package_database_go_on(database, &root->tree, root->name);
    const uint64_t now = rts_clock_monotonic_ns();
    rts_allowance_pay(roots->allowance, &root->payer, now, now - begin);
    roots->unreadable += rts_package_database_is_unreadable(database) && !unreadable;
    /* What waited for it takes it as it was listed, even if it has changed since. */
    root->current = true;
    if (!listed || rts_package_database_wait(database) == RTS_PACKAGE_LISTING)
        return;
    rts_rpm_turns_end(&roots->turns, &root->payer, now, now - listing->began_ns);
    if (listing->late)
        take_late(roots, root, now);
    if (listing->unstarted)
        root->not_before_ns = now + UNSTARTED_NS;
}

/* The one that waits longest of those whose turn it is; NULL: none. */
static struct rts_package_root *next_in_queue(struct rts_package_roots *roots, uint64_t now)
{
    struct rts_package_root *next = NULL;
    for (size_t i = 0; i < roots->count; i++) {
        struct rts_package_root *root = roots->items[i];
        if (rts_package_root_waits(root) &&
            rts_package_database_wait(root->database) == RTS_PACKAGE_QUEUED &&
            now >= root->not_before_ns && (!next || root->queued_ns < next->queued_ns) &&
            rts_rpm_turns_may(&roots->turns, &root->payer, now))
            next = root;
    }
    return next;
}

static void begin_lists(struct rts_package_roots *roots)
{
    const uint64_t now = rts_clock_monotonic_ns();
    for (struct rts_package_root *root; (root = next_in_queue(roots, now));) {
        rts_package_database_begin(root->database, &root->tree, root->name, roots->starter,
                                   roots->hurried, now);
        switch (rts_package_database_wait(root->database)) {
        case RTS_PACKAGE_LISTING: rts_rpm_turns_begin(&roots->turns, &root->payer); break;
        case RTS_PACKAGE_QUEUED: root->not_before_ns = now + UNSTARTED_NS; break;
        default: roots->unreadable++; break;
        }
    }
}

/* Databases of dpkg and apk are read when they are asked for, at the end of the window. */
static void look_at_fresh(struct rts_package_roots *roots)
{
    roots->fresh = false;
    for (size_t i = 0; i < roots->count; i++) {
        struct rts_package_root *root = roots->items[i];
        const uint64_t begin = rts_clock_monotonic_ns();
        if (!root->fresh)
            continue;
        root->fresh = false;
        root->looked = true;
        if (root->database || !rts_allowance_is_left(roots->allowance, &root->payer, begin) ||
            !rts_rpm_listing_is_wanted(&root->tree))
            continue;
        rts_package_roots_database(roots, root);
        const uint64_t end = rts_clock_monotonic_ns();
        rts_allowance_pay(roots->allowance, &root->payer, end, end - begin);
    }
}

void rts_package_roots_turn(struct rts_package_roots *roots)
{
    if (roots->fresh)
        look_at_fresh(roots);
    if (roots->waiting == 0)
        return;
    for (size_t i = 0; i < roots->count; i++)
        if (rts_package_root_waits(roots->items[i]))
            go_on(roots, roots->items[i]);
    begin_lists(roots);
    roots->waiting = 0;
    roots->reading = false;
    for (size_t i = 0; i < roots->count; i++) {
        const struct rts_package_root *root = roots->items[i];
        roots->waiting += rts_package_root_waits(root);
        roots->reading =
            roots->reading ||
            (root->database && rts_package_database_wait(root->database) == RTS_PACKAGE_READING);
    }
}

/* Is its list on its way? That of the host is waited for as long as it may take. */
static bool is_worth_waiting(struct rts_package_roots *roots, const struct rts_package_root *root,
                             uint64_t waited_ns, uint64_t now_ns)
{
    const struct rts_payer *payer = &root->payer;
    if (!rts_package_root_waits(root) || rts_package_database_listing(root->database)->unstarted ||
        rts_rpm_turns_pauses(&roots->turns, payer, now_ns))
        return false;
    if (payer->host)
        return waited_ns < HOLD_HOST_NS;
    return waited_ns < HOLD_NS && rts_allowance_is_left(&roots->holds, payer, now_ns);
}

bool rts_package_roots_hold(struct rts_package_roots *roots, uint64_t due_ns, uint64_t now_ns)
{
    const uint64_t from = roots->held_ns > due_ns ? roots->held_ns : due_ns;
    bool holds = false;
    for (size_t i = 0; roots->waiting > 0 && i < roots->count; i++) {
        const struct rts_package_root *root = roots->items[i];
        if (!is_worth_waiting(roots, root, now_ns - due_ns, now_ns))
            continue;
        holds = true;
        rts_allowance_pay(&roots->holds, &root->payer, now_ns, now_ns - from);
    }
    roots->held_ns = now_ns;
    return holds;
}
