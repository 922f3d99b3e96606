/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a run (Sampler:MaxMemoryBytes): three quarters are divided among its tables by
 * fixed parts, the rest is for the program itself and for what is read at the moment. Outside of it
 * are the kernel's rings and what is under way to a server. Pure.
 */
#ifndef RTS_FACTS_BUDGET_H
#define RTS_FACTS_BUDGET_H

#include "util/share.h"

enum rts_memory_table {
    RTS_MEMORY_OBJECTS,   /* files of code, and what was read of them */
    RTS_MEMORY_SYMBOLS,   /* functions that were named, and the addresses they were named for */
    RTS_MEMORY_RULES,     /* of unwinding, by address */
    RTS_MEMORY_STACKS,    /* distinct ones that wait for their names */
    RTS_MEMORY_WINDOW,    /* facts that wait for the end of the window */
    RTS_MEMORY_PROCESSES, /* processes, what is mapped in them, control groups */
    RTS_MEMORY_PACKAGES,  /* databases of packages, and what was found in them */
    RTS_MEMORY_TRACE,     /* what a trace says already */
    RTS_MEMORY_UNION,     /* what a union bundle is to hold; apart from the others */
    RTS_MEMORY_COUNT
};

/* What was let go of that was of one owner. */
struct rts_memory_owner {
    char digest[16];                      /* for people */
    uint64_t evictions[RTS_MEMORY_COUNT]; /* by table; 0 where a table does not know owners */
};

/* Owners that are told one by one, those with the most; the others are together the last one. */
#define RTS_MEMORY_OWNERS_MAX 16

struct rts_memory_owners {
    struct rts_memory_owner items[RTS_MEMORY_OWNERS_MAX];
    size_t count;
};

/* Takes one in. */
void rts_memory_owners_add(struct rts_memory_owners *owners, const struct rts_memory_owner *owner);

struct rts_budget {
    size_t limit; /* three quarters of it are the shares, but for RTS_MEMORY_UNION; 0: none */
    struct rts_share shares[RTS_MEMORY_COUNT];
};

/* Divides `limit` bytes; 0: no share has a limit. RTS_MEMORY_UNION grows by nature, since a union
 * bundle is of the whole run: it is as large as all others together, and what finds no room in it
 * is counted and left out. */
void rts_budget_init(struct rts_budget *budget, uint64_t limit);

/* The word for a table in --stats and metrics. */
const char *rts_memory_name(enum rts_memory_table table);

#endif
