/* SPDX-License-Identifier: Apache-2.0 */
#include "package/root.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/memory.h"
#include "util/table.h"

/* Roots whose databases are kept: some 4 MiB each. */
#define ROOTS_MAX 8

static bool is_ours(const struct rts_package_root *root)
{
    return root->device == 0 && root->inode == 0;
}

void rts_package_roots_end_list(struct rts_package_roots *roots,
                                const struct rts_package_root *root)
{
    const struct rts_rpm_listing *listing = rts_package_database_listing(root->database);
    uint64_t now = rts_clock_monotonic_ns();
    if (rts_package_database_wait(root->database) == RTS_PACKAGE_LISTING)
        rts_rpm_turns_end(&roots->turns, &root->payer, now, now - listing->began_ns);
}

/* The place of a list that is under way is free again. */
static void drop_database(struct rts_package_roots *roots, struct rts_package_root *root)
{
    if (rts_package_root_waits(root))
        rts_package_roots_end_list(roots, root);
    rts_package_database_unref(root->database);
    root->database = NULL;
    root->shared = false;
}

static void destroy_root(struct rts_package_roots *roots, struct rts_package_root *root)
{
    drop_database(roots, root);
    if (root->tree.root_fd >= 0)
        close(root->tree.root_fd);
    free(root);
}

void rts_package_roots_finish(struct rts_package_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        destroy_root(roots, roots->items[i]);
    free(roots->items);
    *roots = (struct rts_package_roots){.share = roots->share};
}

/* Whichever process they are of. */
static bool same_rights(const struct rts_rights *left, const struct rts_rights *right)
{
    return left->foreign == right->foreign && left->uid == right->uid && left->gid == right->gid &&
           left->reads_all == right->reads_all && left->group_count == right->group_count &&
           memcmp(left->groups, right->groups, left->group_count * sizeof *left->groups) == 0;
}

static struct rts_package_root *find_root(const struct rts_package_roots *roots,
                                          const struct rts_package_root *key)
{
    for (size_t i = 0; i < roots->count; i++) {
        struct rts_package_root *root = roots->items[i];
        if (root->device == key->device && root->inode == key->inode &&
            root->namespace == key->namespace && same_rights(&root->tree.rights, &key->tree.rights))
            return root;
    }
    return NULL;
}

static void name_root(struct rts_package_root *root)
{
    const uint64_t identity[] = {root->device, root->inode, root->namespace};
    uint64_t digest = rts_hash_bytes(identity, sizeof identity, 0);
    snprintf(root->name, sizeof root->name, " (root %012" PRIx64 ")", digest >> 16);
}

static bool fill_key(struct rts_package_root *key, const struct rts_tree *tree, uint64_t namespace)
{
    struct stat status;
    *key = (struct rts_package_root){.tree = *tree};
    if (tree->root_fd < 0) {
        key->tree.rights = (struct rts_rights){0};
        key->payer.host = 1;
        return true;
    }
    if (fstat(tree->root_fd, &status) < 0)
        return false;
    key->device = status.st_dev;
    key->inode = status.st_ino;
    key->namespace = namespace;
    key->payer.uid = tree->rights.foreign ? tree->rights.uid : status.st_uid;
    if (key->payer.uid == 0) {
        key->payer.device = key->device;
        key->payer.inode = key->inode;
    }
    name_root(key);
    return true;
}

struct rts_package_root *rts_package_roots_get(struct rts_package_roots *roots,
                                               const struct rts_tree *tree, uint64_t namespace)
{
    struct rts_package_root key;
    if (!fill_key(&key, tree, namespace))
        return NULL;
    struct rts_package_root *root = find_root(roots, &key);
    if (!root) {
        root = rts_calloc(1, sizeof *root);
        *root = key;
        root->tree.root_fd = -1;
        roots->items = rts_grow(roots->items, roots->count, &roots->capacity, sizeof root);
        roots->items[roots->count++] = root;
    }
    if (tree->root_fd >= 0 && root->tree.root_fd < 0) {
        root->tree = *tree; /* of a process that is there now */
        root->tree.root_fd = fcntl(tree->root_fd, F_DUPFD_CLOEXEC, 0);
    }
    if (!root->database && !root->looked)
        root->fresh = roots->fresh = true;
    root->last_use = ++roots->clock;
    return is_ours(root) || root->tree.root_fd >= 0 ? root : NULL;
}

/* Services in mount namespaces of their own mostly see the host's database, which then counts for
 * them. What another root has never counts for a second one. */
static struct rts_package_database *share_ours(struct rts_package_roots *roots,
                                               const struct rts_package_root *root)
{
    struct rts_tree tree = {.broker = root->tree.broker, .root_fd = -1};
    if (is_ours(root) || !rts_package_database_is_there(&tree, &root->tree))
        return NULL;
    struct rts_package_root *ours = rts_package_roots_get(roots, &tree, 0);
    rts_package_roots_database(roots, ours);
    return rts_package_database_is_current(ours->database, &root->tree)
               ? rts_package_database_ref(ours->database)
               : NULL;
}

/* The database of a root waits from now on. */
static void queue(struct rts_package_roots *roots, struct rts_package_root *root)
{
    root->queued_ns = rts_clock_monotonic_ns();
    root->not_before_ns = 0;
    roots->waiting++;
}

const struct rts_package_database *rts_package_roots_database(struct rts_package_roots *roots,
                                                              struct rts_package_root *root)
{
    /* What is being listed is taken as it was when that began. */
    if (root->database && !root->current &&
        rts_package_database_wait(root->database) == RTS_PACKAGE_COMPLETE &&
        !rts_package_database_is_current(root->database, &root->tree))
        drop_database(roots, root);
    if (!root->database) {
        root->database = share_ours(roots, root);
        root->shared = root->database != NULL;
    }
    if (!root->database) {
        root->database = rts_package_database_create(&root->tree, root->name);
        roots->unreadable += rts_package_database_is_unreadable(root->database);
        rts_package_database_use_share(root->database, roots->share);
        if (rts_package_root_waits(root))
            queue(roots, root);
    }
    root->current = true;
    return root->database;
}

/* By what a root is weighed against others. */
enum weight {
    BY_NUMBER, /* of those that are not held */
    BY_HELD,   /* of those that are */
    BY_BYTES,  /* of databases that are complete */
};

static bool is_held(const struct rts_package_root *root)
{
    return root->pins > 0 || rts_package_root_waits(root);
}

/* Something is done for it at the moment: there are few of them, and they come to an end. */
static bool is_served(const struct rts_package_root *root)
{
    return rts_package_root_waits(root) &&
           rts_package_database_wait(root->database) != RTS_PACKAGE_QUEUED;
}

static size_t weight_of(const struct rts_package_root *root, enum weight weight)
{
    if (weight == BY_BYTES)
        return root->shared || rts_package_root_waits(root)
                   ? 0
                   : rts_package_database_bytes(root->database);
    if (root->doomed || is_held(root) != (weight == BY_HELD))
        return 0;
    return !is_served(root);
}

static size_t weight_of_payer(const struct rts_package_roots *roots, const struct rts_payer *payer,
                              enum weight weight)
{
    size_t sum = 0;
    for (size_t i = 0; i < roots->count; i++)
        if (rts_payer_same(&roots->items[i]->payer, payer))
            sum += weight_of(roots->items[i], weight);
    return sum;
}

/* The place of the root that goes first; the count when none does. */
static size_t choose(const struct rts_package_roots *roots, enum weight by)
{
    size_t chosen = roots->count, most = 0;
    for (size_t i = 0; i < roots->count; i++) {
        const struct rts_package_root *root = roots->items[i];
        if (is_ours(root) || weight_of(root, by) == 0)
            continue;
        size_t weight = weight_of_payer(roots, &root->payer, by);
        if (weight > most || (weight == most && root->last_use < roots->items[chosen]->last_use)) {
            chosen = i;
            most = weight;
        }
    }
    return chosen;
}

static void evict_database(struct rts_package_roots *roots, struct rts_package_root *root)
{
    if (!root->database || rts_package_root_waits(root))
        return;
    roots->share->evictions++;
    drop_database(roots, root);
}

void rts_package_roots_bound(struct rts_package_roots *roots)
{
    while (rts_share_is_over(roots->share)) {
        size_t chosen = choose(roots, BY_BYTES);
        if (chosen == roots->count)
            break;
        evict_database(roots, roots->items[chosen]);
    }
    for (size_t i = 0; i < roots->count && rts_share_is_over(roots->share); i++)
        evict_database(roots, roots->items[i]);
}

static size_t count_roots(const struct rts_package_roots *roots, enum weight weight)
{
    size_t count = 0;
    for (size_t i = 0; i < roots->count; i++)
        count += weight_of(roots->items[i], weight);
    return count;
}

void rts_package_roots_doom(struct rts_package_roots *roots)
{
    size_t chosen;
    while (count_roots(roots, BY_HELD) > RTS_PACKAGE_HELD_MAX &&
           (chosen = choose(roots, BY_HELD)) < roots->count)
        roots->items[chosen]->doomed = true;
}

static void remove_root(struct rts_package_roots *roots, size_t place)
{
    destroy_root(roots, roots->items[place]);
    roots->items[place] = roots->items[--roots->count];
}

void rts_package_roots_release(struct rts_package_roots *roots)
{
    size_t chosen;
    for (size_t i = roots->count; i-- > 0;)
        if (roots->items[i]->doomed)
            remove_root(roots, i);
    while (count_roots(roots, BY_NUMBER) > ROOTS_MAX &&
           (chosen = choose(roots, BY_NUMBER)) < roots->count)
        remove_root(roots, chosen);
    rts_package_roots_bound(roots);
    for (size_t i = 0; i < roots->count; i++) {
        struct rts_package_root *root = roots->items[i];
        root->current = root->looked = false;
        if (is_held(root))
            continue;
        if (root->tree.root_fd >= 0)
            close(root->tree.root_fd);
        root->tree.root_fd = -1;
    }
}
