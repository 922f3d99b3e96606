/* SPDX-License-Identifier: Apache-2.0 */
/* Hits of functions that have no name, by the package that would give them one. Pure. */
#ifndef RTS_FACTS_NAMELESS_H
#define RTS_FACTS_NAMELESS_H

#include <stddef.h>
#include <stdint.h>

/* Packages that are told apart, in some 64 KiB: the rest is left out. */
#define RTS_NAMELESS_PACKAGES_MAX 256

struct rts_nameless_package {
    char *name; /* of the package that has the names; owned */
    uint64_t hits;
};

/* Zero-initialise. */
struct rts_nameless {
    struct rts_nameless_package *packages;
    size_t count;
};

/* Counts hits that `package`, which is copied, would name. */
void rts_nameless_add(struct rts_nameless *nameless, const char *package, uint64_t hits);

/* Puts the packages into an order: most hits first, then by name. */
void rts_nameless_sort(struct rts_nameless *nameless);

void rts_nameless_finish(struct rts_nameless *nameless);

#endif
