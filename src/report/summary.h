/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closing account for the person who started the run: what was sampled, how good the stacks
 * are, what is missing and why, where the facts lie, what was hot. Values in, text out; a line
 * whose numbers are all zero is left out. The text is ASCII apart from names, which go
 * through the gate of util/visible.h.
 */
#ifndef RTS_REPORT_SUMMARY_H
#define RTS_REPORT_SUMMARY_H

#include "facts/account.h"
#include "facts/nameless.h"
#include "util/buffer.h"

/* Functions listed; the rest is in the facts. */
#define RTS_SUMMARY_FUNCTIONS 10

/* Packages listed that would name what has no name. */
#define RTS_SUMMARY_PACKAGES 3

/* Strings borrowed. */
struct rts_summary_function {
    const char *name;   /* readable */
    const char *module; /* base name of its file; NULL: unknown */
    uint64_t hits;      /* samples whose stack holds it */
    uint64_t leaf_hits; /* samples that were taken in it */
};

struct rts_summary {
    const struct rts_account *account;
    const struct rts_nameless *nameless;       /* sorted; NULL: nobody knows what would name them */
    const struct rts_selftest_facts *selftest; /* NULL: there was none */
    const struct rts_opinions *opinions;       /* of two unwinders; NULL: there were not two */
    uint64_t duration_ms;
    uint32_t frequency;                           /* Hz; 0: not known */
    const char *output;                           /* where the facts went; "-": stdout */
    const struct rts_summary_function *functions; /* in any order */
    size_t function_count;
};

/* Appends the text, several lines, each ended by LF. */
void rts_summary_format(const struct rts_summary *summary, struct rts_buffer *out);

#endif
