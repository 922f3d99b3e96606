/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on a terminal that is drawn over and over while sampling goes on. Does nothing when the
 * descriptor is not a terminal, the terminal cannot erase a line (TERM=dumb), or we run in the
 * background of it.
 */
#ifndef RTS_REPORT_STATUS_LINE_H
#define RTS_REPORT_STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buffer.h"

struct rts_status {
    uint64_t elapsed_ms;
    uint64_t samples;  /* kept so far */
    uint64_t dropped;  /* for whatever reason */
    uint64_t complete; /* kept samples whose stack reached its root */
};

struct rts_status_line {
    int fd;
    bool enabled;
    bool drawn; /* something of ours is on the line now */
};

/* `fd` is borrowed. */
void rts_status_line_init(struct rts_status_line *line, int fd);

/* Draws over the line; how often is the caller's choice (once a second reads well). */
void rts_status_line_draw(struct rts_status_line *line, const struct rts_status *status);

/* Leaves the line empty with the cursor at its start. Call before other output and at the end. */
void rts_status_line_erase(struct rts_status_line *line);

/* The text of the line, ASCII, at most `width` columns: parts that do not fit are left out, the
 * last ones first. */
void rts_status_format(const struct rts_status *status, unsigned width, struct rts_buffer *out);

#endif
