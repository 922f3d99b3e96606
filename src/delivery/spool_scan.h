/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the directory of a spool when it is opened. */
#ifndef RTS_DELIVERY_SPOOL_SCAN_H
#define RTS_DELIVERY_SPOOL_SCAN_H

#include "delivery/spool_index.h"
#include "delivery/spool_shelf.h"

/* Is this directory a spool, or empty? Fails when it is full of other things. */
int rts_spool_check_directory(const struct rts_spool_shelf *shelf, struct rts_error *error);

/* Fills the index with what lies there, and tidies up what a crash has left. */
int rts_spool_scan(struct rts_spool_shelf *shelf, struct rts_spool_index *index,
                   struct rts_error *error);

#endif
