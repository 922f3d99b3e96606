/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches that are not delivered yet, as files of a directory (spool_file.h): they outlive the
 * program, and there is nothing beside the files themselves that says what they are.
 *
 *     DIR/lock           one owner at a time
 *     DIR/NAME.batch     waiting, sent in the order of their names
 *     DIR/rejected/      what the server refused, each with NAME.answer, what it said
 *     DIR/quarantine/    what lies in DIR and is not a batch, or a damaged one
 *
 * At any instant, whatever happens to the program or the machine, each batch is there as a whole or
 * not at all. Used by one thread at a time.
 */
#ifndef RTS_DELIVERY_SPOOL_H
#define RTS_DELIVERY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/batch.h"
#include "util/error.h"

#define RTS_SPOOL_BYTES_DEFAULT (256ull << 20)
#define RTS_SPOOL_AGE_DEFAULT_S (7ull * 24 * 3600)

struct rts_spool_options {
    const char *directory; /* made when it is not there; its parent is not */
    uint64_t max_bytes;    /* 0: the default. What is refused has a quarter of it for itself */
    uint64_t max_age_s;    /* 0: the default */
};

/* Events of batches that are gone for good: removed to make room, too old, or damaged. Added to. */
struct rts_spool_loss {
    uint64_t own;     /* of batches made in this run */
    uint64_t earlier; /* of batches found; those of a damaged file are not known */
};

struct rts_spool;

/* Fails when the directory cannot be used, holds something else than a spool, or is in use. */
struct rts_spool *rts_spool_open(const struct rts_spool_options *options, struct rts_error *error);

/* Accepts NULL. */
void rts_spool_close(struct rts_spool *spool);

/* The highest sequence number found or put; 0 when there is none. */
uint64_t rts_spool_last_sequence(const struct rts_spool *spool);

/* Batches that wait, and the events of those made in this run. */
size_t rts_spool_count(const struct rts_spool *spool);
uint64_t rts_spool_own_events(const struct rts_spool *spool);

/* Keeps a batch, durably; the oldest ones make room for it. The batch stays the caller's. */
int rts_spool_put(struct rts_spool *spool, const struct rts_batch *batch,
                  struct rts_spool_loss *loss, struct rts_error *error);

/*
 * Reads the oldest batch that is not deferred beyond `now_ns` and does not have the id `skip` (may
 * be NULL); damaged files go to quarantine/, those that the disk does not give are deferred, and it
 * looks on. It stays in the spool, safe from making room, until one of the functions below is
 * called for it. NULL when there is none.
 */
struct rts_batch *rts_spool_next(struct rts_spool *spool, uint64_t now_ns,
                                 const struct rts_batch_id *skip, struct rts_spool_loss *loss);

/* The id of the oldest batch that rts_spool_next() would try, or NULL; until the next change. */
const struct rts_batch_id *rts_spool_peek(const struct rts_spool *spool, uint64_t now_ns,
                                          const struct rts_batch_id *skip);

/* It stays, and is not tried before `deferred_until_ns`. */
void rts_spool_keep(struct rts_spool *spool, const struct rts_batch *batch,
                    uint64_t deferred_until_ns);

/* Not tried before that time, whatever its state; nothing when there is no such batch. */
void rts_spool_defer(struct rts_spool *spool, const struct rts_batch_id *id,
                     uint64_t deferred_until_ns);

/* It was delivered. */
void rts_spool_remove(struct rts_spool *spool, const struct rts_batch *batch);

/* It was refused: moved to rejected/ with `answer`. Also for a batch that is not in the spool. On
 * failure it is in the spool no longer, or stays there deferred: `error` says so. */
int rts_spool_reject(struct rts_spool *spool, const struct rts_batch *batch,
                     const struct rts_buffer *answer, struct rts_error *error);

/* Its halves take its place. On failure nothing has changed and it is deferred. */
int rts_spool_split(struct rts_spool *spool, const struct rts_batch *batch,
                    struct rts_batch *const halves[2], struct rts_error *error);

/* Removes what is older than the limit; with `only_put_aside`, of what was tried without success.
 * An age is counted by a clock that does not jump, from what the file's time says when it is found.
 */
void rts_spool_expire(struct rts_spool *spool, bool only_put_aside, struct rts_spool_loss *loss);

#endif
