/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one line of NDJSON back, whoever wrote it, and checks it against the contract of runtime
 * facts before it is sent: a JSON object (RFC 8259, UTF-8) with the known keys only, each once;
 * symbolId a string that is not empty and hitCount a whole number above 0, both required;
 * observedAt a time in UTC; metadata an object of strings. Pure, and fast enough to be run on every
 * line.
 */
#ifndef RTS_FACTS_CHECKED_LINE_H
#define RTS_FACTS_CHECKED_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Longer lines are refused: a batch of a thousand of them would have to fit into memory. */
#define RTS_CHECKED_LINE_MAX (256u << 10)

struct rts_text_span {
    const char *text; /* borrowed from the line */
    size_t size;
};

struct rts_checked_line {
    struct rts_text_span json;      /* without blanks around it */
    struct rts_text_span symbol_id; /* as written, without the quotes */
    struct rts_text_span time; /* "2025-11-26T12:00:00.5", without zeros at the end; may be empty */
    uint64_t hits;
};

/* Reads `size` bytes without the LF and fills *line; on failure error->text is the reason, fit to
 * follow "FILE:LINE: ". */
int rts_checked_line_read(struct rts_checked_line *line, const char *text, size_t size,
                          struct rts_error *error);

/* The order within a batch: observedAt, symbolId, the bytes of the line. As strcmp(). */
int rts_checked_line_compare(const struct rts_checked_line *a, const struct rts_checked_line *b);

#endif
