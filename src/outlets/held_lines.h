/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished lines that are kept until it is known where the evidence for them lies. They stay in the
 * batches that they were given in. Beyond RTS_HELD_MEMORY_MAX they lie in a file without a name,
 * where temporary files go.
 */
#ifndef RTS_OUTLETS_HELD_LINES_H
#define RTS_OUTLETS_HELD_LINES_H

#include <stdint.h>

#include "util/buffer.h"
#include "util/error.h"

/* A minute of facts of some programs. */
#define RTS_HELD_MEMORY_MAX ((size_t)1 << 20)

struct rts_held_lines;

struct rts_held_lines *rts_held_lines_create(void);
void rts_held_lines_destroy(struct rts_held_lines *held);

/* Keeps a batch of `count` lines. -1: the disk does not take it, and it is not kept. */
int rts_held_lines_add(struct rts_held_lines *held, const struct rts_buffer *lines, uint64_t count,
                       struct rts_error *error);

/* How many lines are kept. */
uint64_t rts_held_lines_count(const struct rts_held_lines *held);

/* Takes out the next batch into *lines, the oldest first, which then has *count lines. 0: there is
 * none any more; -1: it cannot be read again, nor can those behind it. */
int rts_held_lines_take(struct rts_held_lines *held, struct rts_buffer *lines, uint64_t *count,
                        struct rts_error *error);

#endif
