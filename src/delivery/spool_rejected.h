/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of batches that a server refused: NAME, and NAME.answer with what it said. */
#ifndef RTS_DELIVERY_SPOOL_REJECTED_H
#define RTS_DELIVERY_SPOOL_REJECTED_H

#include <stdint.h>

#include "util/buffer.h"
#include "util/error.h"

/* Removes the oldest files until what is there has fewer than `max_bytes`. They were counted when
 * they came here. */
void rts_spool_rejected_make_room(int directory, uint64_t max_bytes);

/* Writes the answer for a batch, durably. */
int rts_spool_rejected_answer(int directory, const char *name, const struct rts_buffer *answer,
                              struct rts_error *error);

#endif
