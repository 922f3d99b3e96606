/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two unwinders agreed on, in all and by binary. Each frame that both came to counts for the
 * binary of the frame it was left from, and where they part, that binary is the one to look at.
 * Pure.
 */
#ifndef RTS_FACTS_OPINIONS_H
#define RTS_FACTS_OPINIONS_H

#include "types.h"

/* Binaries that are told apart, in some 64 KiB: the rest counts in all only. */
#define RTS_OPINIONS_BINARIES_MAX 256

struct rts_opinion_binary {
    uint32_t serial; /* of the object */
    char *module;    /* owned */
    struct rts_build_id build_id;
    uint64_t alike; /* frames that both left for the same caller, or that both call the last one */
    uint64_t differ[RTS_DIFFERENCE_COUNT]; /* by how they parted there */
};

/* Zero-initialise. */
struct rts_opinions {
    uint64_t checked;                      /* stacks */
    uint64_t differ[RTS_DIFFERENCE_COUNT]; /* stacks by how they parted; [NONE]: they did not */
    struct rts_opinion_binary *binaries;
    size_t count, last;
};

/* The binary of an object, which is added with copies of `module` (NULL: not known) and `build_id`
 * when it is new; NULL: there are too many. */
struct rts_opinion_binary *rts_opinions_of(struct rts_opinions *opinions, uint32_t serial,
                                           const char *module, const struct rts_build_id *build_id);

/* How often the unwinders parted in the binary. */
uint64_t rts_opinion_differences(const struct rts_opinion_binary *binary);

/* Puts the binaries into an order: those with most differences first, then by frames, then by name.
 * Takes no more calls of rts_opinions_of() for granted: indices change. */
void rts_opinions_sort(struct rts_opinions *opinions);

void rts_opinions_finish(struct rts_opinions *opinions);

#endif
