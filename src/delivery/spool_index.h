/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in a spool, in the order in which it is sent. Pure. */
#ifndef RTS_DELIVERY_SPOOL_INDEX_H
#define RTS_DELIVERY_SPOOL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/batch.h"

struct rts_spool_entry {
    struct rts_batch_id id;
    uint64_t bytes;  /* on the disk, in whole blocks */
    int64_t born_ns; /* on the monotonic clock; may be negative: before the machine ran */
    uint64_t deferred_until_ns; /* on the monotonic clock */
    uint32_t events;            /* 0: not known, the file was not read yet */
    uint16_t attempts;
    bool earlier; /* from an earlier run */
    bool busy;    /* being sent */
};

struct rts_spool_index {
    struct rts_spool_entry *entries; /* entries[first .. first + count - 1], sorted by id */
    size_t first, count, capacity;
    uint64_t bytes;
    uint64_t own_events; /* of entries that are not `earlier` */
};

void rts_spool_index_finish(struct rts_spool_index *index);

/* The i-th entry; valid until the next change of the index. */
struct rts_spool_entry *rts_spool_index_at(const struct rts_spool_index *index, size_t i);

/* The entry with this id, or NULL. */
struct rts_spool_entry *rts_spool_index_find(const struct rts_spool_index *index,
                                             const struct rts_batch_id *id);

/* Appends without regard to the order; rts_spool_index_sort() brings it about. */
void rts_spool_index_append(struct rts_spool_index *index, const struct rts_spool_entry *entry);
void rts_spool_index_sort(struct rts_spool_index *index);

/* Puts one entry into its place, over an equal one if there is one. */
void rts_spool_index_insert(struct rts_spool_index *index, const struct rts_spool_entry *entry);

/* Takes an entry that is equal to this one out, if there is one. */
void rts_spool_index_remove(struct rts_spool_index *index, const struct rts_spool_entry *entry);

#endif
