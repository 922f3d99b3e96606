/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a text file line by line in bounded memory: what a package database of another root says,
 * and how long its lines are, is up to whoever made that root.
 */
#ifndef RTS_PACKAGE_LINE_READER_H
#define RTS_PACKAGE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "package/reading.h"

/* Longer lines are passed over: the longest that matters holds a path. */
#define RTS_LINE_MAX 16384

/* Read of one file before it is given up: the largest databases have some 100 MiB. */
#define RTS_LINE_FILE_MAX (1ULL << 30)

struct rts_line_reader {
    struct rts_reading *reading;
    int fd;          /* owned */
    uint64_t offset; /* in the file, of the line that was returned last */
    /* Private from here on. */
    uint64_t next; /* file offset of bytes[begin] */
    size_t begin, end;
    bool skipping; /* within a line that is too long */
    char bytes[RTS_LINE_MAX + 1];
};

/* Opens a regular file of the tree and goes to `offset`. It ends early when `reading`, which must
 * outlive it, is spent. Returns NULL when there is no such file. */
struct rts_line_reader *rts_line_reader_open(struct rts_reading *reading, const char *path,
                                             uint64_t offset);

/* The same of an open file, which is taken over. */
struct rts_line_reader *rts_line_reader_take(struct rts_reading *reading, int fd, uint64_t offset);
void rts_line_reader_close(struct rts_line_reader *reader);

/* The next line without its LF, valid until the next call; NULL at the end. A line with a NUL byte
 * in it is cut there. */
char *rts_line_reader_next(struct rts_line_reader *reader);

#endif
