/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs traces into bundles on a thread of its own: the highest level of zstd takes a second for
 * each megabyte or two, in which nobody could drain a ring. One trace after the other, in the order
 * they were given. Between the pieces of a trace it pauses, so that it takes a given part of a CPU
 * only, until it is told to hurry.
 */
#ifndef RTS_BUNDLE_PACKER_H
#define RTS_BUNDLE_PACKER_H

#include <stddef.h>

#include "bundle/bundle.h"

struct rts_packer;

/* What became of a trace. */
struct rts_packed {
    bool packed;
    char uri[RTS_BUNDLE_URI_SIZE]; /* when it was */
    struct rts_error error;        /* when not */
};

/* Packs below `directory` (copied), with `percent` of a CPU at most; 0: as fast as it can. NULL
 * when there is no thread to be had. */
struct rts_packer *rts_packer_create(const char *directory, unsigned percent,
                                     struct rts_error *error);

/* Gives it the trace in the file `trace`, whose fd it closes. The strings in `facts` are borrowed
 * until the packer is finished. Never waits. */
void rts_packer_submit(struct rts_packer *packer, int trace, const struct rts_bundle_facts *facts);

/* Traces that were given and have not been taken back. */
size_t rts_packer_waiting(struct rts_packer *packer);

/* What became of the oldest of them. Waits at most `wait_ms` for it; false: not known yet. */
bool rts_packer_take(struct rts_packer *packer, unsigned wait_ms, struct rts_packed *packed);

/* No pauses from now on. */
void rts_packer_hurry(struct rts_packer *packer);

/* Gives up what is not packed, and frees; takes some tenths of a second at most, whatever the disk
 * does. Accepts NULL. */
void rts_packer_finish(struct rts_packer *packer);

#endif
