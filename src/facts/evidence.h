/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the evidence for finished lines lies becomes known after they were written: lines carry a
 * URI that stands for it, which is replaced then. Pure.
 */
#ifndef RTS_FACTS_EVIDENCE_H
#define RTS_FACTS_EVIDENCE_H

#include "util/buffer.h"

/* Puts `uri` in the place of evidenceUri and metadata.casUri in all lines that have them; NULL
 * takes both out. The lines are of rts_window_write(): quotes within their texts are escaped, so
 * nothing in these is taken for a field. */
void rts_evidence_set(struct rts_buffer *lines, const char *uri);

#endif
