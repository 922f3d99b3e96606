/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading from a file tree, and how much of it: a database of somebody else's is as long as they
 * like. When the allowance is used up, files end where they are, and what was made of them counts
 * as unreadable.
 */
#ifndef RTS_PACKAGE_READING_H
#define RTS_PACKAGE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/tree.h"

struct rts_reading {
    struct rts_tree tree; /* root_fd borrowed */
    bool spent;           /* more was wanted than is allowed */
    /* Private from here on. */
    uint64_t bytes;      /* that may still be read */
    uint64_t cpu_end_ns; /* it ends at this CPU time of the thread, or this time of the clock */
    uint64_t end_ns;
};

/* Is the tree our own root? It is not for anybody else to make its databases large. */
bool rts_reading_is_ours(const struct rts_tree *tree);

/* Begins to read a database: of another root 64 MiB in 1 s of CPU time and 5 s in all (the lists of
 * a thousand packages have 10 MiB, and take 50 ms), of our own 1 GiB in 20 s and 60 s. */
void rts_reading_begin(struct rts_reading *reading, const struct rts_tree *tree);

/* The same for one question about one file: 16 MiB in 0.2 s and 1 s, or 256 MiB in 2 s and 5 s. */
void rts_reading_begin_question(struct rts_reading *reading, const struct rts_tree *tree);

/* Other things are done by this thread until it goes on: that takes none of the CPU time. */
void rts_reading_pause(struct rts_reading *reading);
void rts_reading_go_on(struct rts_reading *reading);

/* `size` bytes were read. False, and spent, when that is beyond the allowance. */
bool rts_reading_take(struct rts_reading *reading, size_t size);

#endif
