/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder of the ways to sample, and the receipt of the one that was taken: why each better one
 * failed. target/ladder.c climbs it.
 */
#ifndef RTS_CAPTURE_RECEIPT_H
#define RTS_CAPTURE_RECEIPT_H

#include "util/buffer.h"

/* The best first. rts_rung_name() gives the word in --stats. */
enum rts_rung {
    RTS_RUNG_PERF_CPUS,     /* perf events of whole CPUs */
    RTS_RUNG_PERF_PROCESS,  /* of the target's threads */
    RTS_RUNG_PERF_USER,     /* the same, without samples that hit in the kernel */
    RTS_RUNG_OWN_PROCESSES, /* all were wanted, and those are sampled that may be, one by one */
    RTS_RUNG_PTRACE,
    RTS_RUNG_COUNT
};

struct rts_receipt {
    enum rts_rung taken;
    const char *refused[RTS_RUNG_COUNT]; /* the word for why; NULL: not refused, or not tried */
};

const char *rts_rung_name(enum rts_rung rung);

/* Appends the refused ones as "rung:cause", with commas between. */
void rts_receipt_words(const struct rts_receipt *receipt, struct rts_buffer *out);

#endif
