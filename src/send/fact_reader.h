/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts out of files and pipes: reads lines, checks each (checked_line.h), says on stderr which are
 * wrong and why, and hands the others on in sorted batches. Where a batch ends depends on the bytes
 * of a file alone, so that the same file gives the same batches again; only a pipe that pauses ends
 * a batch early.
 */
#ifndef RTS_SEND_FACT_READER_H
#define RTS_SEND_FACT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Wrong lines of one input that are named one by one; the others are counted. */
#define RTS_FACT_READER_NAMED_MAX 20

struct rts_fact_batch {
    const char *lines; /* whole lines, sorted; until the next call */
    size_t size;
    size_t count;
    uint64_t hits; /* the sum of their hitCounts */
};

struct rts_fact_reader;

/* `wake`: a descriptor that becomes readable when reading is to be interrupted; -1: none. A batch
 * has at most `batch_lines` lines; one that a pipe does not fill waits `linger_ms` for more. */
struct rts_fact_reader *rts_fact_reader_create(uint32_t batch_lines, uint32_t linger_ms, int wake);
void rts_fact_reader_destroy(struct rts_fact_reader *reader);

/* Begins with an input, from where its descriptor stands. `name` is for messages, borrowed. */
void rts_fact_reader_begin(struct rts_fact_reader *reader, const char *name, int fd);

/* Returns 1 with a batch, which is never empty; 0 at the end, or when `wake` interrupts; -1 when
 * the input cannot be read any further, or holds no lines of text. */
int rts_fact_reader_next(struct rts_fact_reader *reader, struct rts_fact_batch *batch,
                         struct rts_error *error);

/* Was the input read to its end? */
bool rts_fact_reader_is_done(const struct rts_fact_reader *reader);

/* Of the current input: the lines that were read, and those of them that were wrong. */
uint64_t rts_fact_reader_line(const struct rts_fact_reader *reader);
uint64_t rts_fact_reader_wrong(const struct rts_fact_reader *reader);

/* Says how many wrong lines of the current input were not named. */
void rts_fact_reader_end(const struct rts_fact_reader *reader);

#endif
