/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a table may take of the memory, and what it takes. The table says what it adds and takes
 * away, and when it is over its limit it lets go of something, by a rule of its own. Pure.
 *
 * Zero-initialised, and with RTS_SHARE_UNLIMITED, a share only counts.
 */
#ifndef RTS_UTIL_SHARE_H
#define RTS_UTIL_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ledger.h"

struct rts_share {
    size_t limit;              /* bytes; 0: none */
    size_t bytes, peak;        /* in use now, and at most so far */
    uint64_t evictions;        /* things that were let go of for want of room */
    struct rts_ledger *ledger; /* whose they are; borrowed; NULL: nobody asks */
};

#define RTS_SHARE_UNLIMITED ((struct rts_share){0})

/* What a block of `size` bytes takes of the heap: glibc puts a word in front, and rounds up. */
size_t rts_heap_bytes(size_t size);

/* `bytes` more are in use. */
void rts_share_add(struct rts_share *share, size_t bytes);

/* `bytes` are no longer in use. */
void rts_share_take(struct rts_share *share, size_t bytes);

/* What was `before` bytes large is `now` bytes large. */
void rts_share_change(struct rts_share *share, size_t before, size_t now);

/* The same of something that has an owner. */
void rts_share_change_of(struct rts_share *share, unsigned owner, size_t before, size_t now);

/* Something of this owner was let go of. */
void rts_share_evict(struct rts_share *share, unsigned owner);

/* The bytes that one thing of this owner should not go beyond: SIZE_MAX, but a quarter of the limit
 * for an owner who lost some since others need it. What does not fit in would be let go of as soon
 * as it is there, and made again. */
size_t rts_share_of_one(const struct rts_share *share, unsigned owner);

/* More than is allowed? */
bool rts_share_is_over(const struct rts_share *share);

/* How many bytes to let go of, so that not every addition asks again: down to seven eighths of the
 * limit; 0: none. */
size_t rts_share_excess(const struct rts_share *share);

#endif
