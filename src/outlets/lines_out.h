/* SPDX-License-Identifier: Apache-2.0 */
/* Where finished lines go: to the output, to the server, or to both. */
#ifndef RTS_OUTLETS_LINES_OUT_H
#define RTS_OUTLETS_LINES_OUT_H

#include "delivery/delivery.h"
#include "delivery/sink.h"
#include "facts/account.h"
#include "send/settings_delivery.h"
#include "settings/settings.h"
#include "util/buffer.h"

struct rts_lines_out {
    const char *output;            /* path; "-": stdout; NULL: none. Borrowed */
    struct rts_sink *sink;         /* NULL: lines are delivered only */
    struct rts_delivery *delivery; /* NULL: there is no endpoint */
    bool waits;                    /* the output refused a batch, which was said */
    bool broken;                   /* it can never take anything again */
};

/* Opens what the settings ask for. Waits for the reader of a FIFO, until a signal comes. `purpose`:
 * see delivery.h. */
int rts_lines_out_open(struct rts_lines_out *out, const struct rts_settings *settings,
                       enum rts_delivery_purpose purpose, struct rts_error *error);

/* Hands over a batch of `count` lines. */
void rts_lines_out_write(struct rts_lines_out *out, const struct rts_buffer *lines, uint64_t count);

/* Takes what the delivery has counted so far into the account. */
void rts_lines_out_count(const struct rts_lines_out *out, struct rts_account *account);

/* Closes the output, which waits for whoever reads it until a signal interrupts. -1: not all was
 * written, which is counted. */
int rts_lines_out_close_sink(struct rts_lines_out *out, struct rts_account *account,
                             struct rts_error *error);

/* Ends the delivery: RTS_UNDELIVERED when something was not accepted; the text says where it is. */
int rts_lines_out_end_delivery(struct rts_lines_out *out, struct rts_account *account,
                               struct rts_error *error);

/* Gives everything up. */
void rts_lines_out_discard(struct rts_lines_out *out);

#endif
