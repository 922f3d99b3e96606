/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/given_up.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/memory.h"

/* A busy disk answers within that; what takes longer costs samples, for rings run full. */
#define PATIENCE_NS        RTS_NS_PER_S
#define LITTLE_PATIENCE_NS (RTS_NS_PER_S / 5)
#define PATIENT_TIMES      8

/* An owner is given up after so many of its processes, for so long; twice as long each time. */
#define OWNER_TIMES  3
#define OWNER_NS     (60 * RTS_NS_PER_S)
#define OWNER_NS_MAX (3600 * RTS_NS_PER_S)

/* What an owner's answers in time may take: longer than a user takes who begins some hundred
 * programs from a slow disk, and then a twentieth of the time. */
#define WAIT_MOST_NS (int64_t)(3 * RTS_NS_PER_S)
#define WAIT_PART    20

/* Beyond that nobody is remembered: who was given up first may be asked about again. */
#define REMEMBERED_MAX 65536

struct process {
    int32_t pid;
};

struct owner {
    uint32_t uid;
    unsigned times; /* since it was given up last */
    uint64_t wait_ns, until_ns;
    int64_t left_ns; /* of WAIT_MOST_NS; below 0: what was taken beyond it */
    uint64_t filled_ns;
};

static bool same_process(const void *item, const void *key)
{
    return ((const struct process *)item)->pid == *(const int32_t *)key;
}

static bool same_owner(const void *item, const void *key)
{
    return ((const struct owner *)item)->uid == *(const uint32_t *)key;
}

static void empty(struct rts_table *table)
{
    size_t position = 0;
    for (void *item; (item = rts_table_next(table, &position));)
        free(item);
    rts_table_finish(table);
}

void rts_given_up_finish(struct rts_given_up *given)
{
    empty(&given->processes);
    empty(&given->owners);
}

static struct owner *owner_of(struct rts_given_up *given, uint32_t uid)
{
    struct owner *owner = rts_table_find(&given->owners, rts_hash_u64(uid), same_owner, &uid);
    if (owner)
        return owner;
    if (given->owners.count >= REMEMBERED_MAX)
        empty(&given->owners);
    owner = rts_calloc(1, sizeof *owner);
    owner->uid = uid;
    owner->wait_ns = OWNER_NS;
    owner->left_ns = WAIT_MOST_NS;
    rts_table_add(&given->owners, rts_hash_u64(uid), owner);
    return owner;
}

bool rts_given_up_add(struct rts_given_up *given, int32_t pid, const uint32_t *uid, uint64_t now)
{
    given->late++;
    if (pid > 0 && !rts_given_up_has(given, pid)) {
        if (given->processes.count >= REMEMBERED_MAX)
            empty(&given->processes);
        struct process *process = rts_calloc(1, sizeof *process);
        process->pid = pid;
        rts_table_add(&given->processes, rts_hash_u64((uint64_t)pid), process);
    }
    if (!uid || *uid == 0)
        return false;
    struct owner *owner = owner_of(given, *uid);
    if (++owner->times < OWNER_TIMES)
        return false;
    owner->times = 0;
    owner->until_ns = now + owner->wait_ns;
    if (owner->until_ns > given->until_ns)
        given->until_ns = owner->until_ns;
    owner->wait_ns = 2 * owner->wait_ns < OWNER_NS_MAX ? 2 * owner->wait_ns : OWNER_NS_MAX;
    return true;
}

void rts_given_up_forget(struct rts_given_up *given, int32_t pid)
{
    free(rts_table_remove(&given->processes, rts_hash_u64((uint64_t)pid), same_process, &pid));
}

bool rts_given_up_has(const struct rts_given_up *given, int32_t pid)
{
    return given->processes.count > 0 &&
           rts_table_find(&given->processes, rts_hash_u64((uint64_t)pid), same_process, &pid);
}

bool rts_given_up_has_owners(const struct rts_given_up *given, uint64_t now)
{
    return now < given->until_ns;
}

bool rts_given_up_owner(const struct rts_given_up *given, uint32_t uid, uint64_t now)
{
    const struct owner *owner = rts_table_find(&given->owners, rts_hash_u64(uid), same_owner, &uid);
    return owner && now < owner->until_ns;
}

bool rts_given_up_pay(struct rts_given_up *given, uint32_t uid, uint64_t now, uint64_t waited_ns)
{
    if (uid == 0)
        return false;
    struct owner *owner = owner_of(given, uid);
    if (owner->filled_ns != 0 && now > owner->filled_ns)
        owner->left_ns += (int64_t)((now - owner->filled_ns) / WAIT_PART);
    if (owner->left_ns > WAIT_MOST_NS)
        owner->left_ns = WAIT_MOST_NS;
    owner->filled_ns = now;
    owner->left_ns -= (int64_t)waited_ns;
    return owner->left_ns < 0;
}

uint64_t rts_given_up_patience(const struct rts_given_up *given)
{
    return given->late < PATIENT_TIMES ? PATIENCE_NS : LITTLE_PATIENCE_NS;
}
