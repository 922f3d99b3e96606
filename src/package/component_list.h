/* SPDX-License-Identifier: Apache-2.0 */
/* The packages that were linked into one file, by name, as the readers of such lists put them
 * together. */
#ifndef RTS_PACKAGE_COMPONENT_LIST_H
#define RTS_PACKAGE_COMPONENT_LIST_H

#include <stddef.h>

/* Of one file; the rest of a longer list is not known. */
#define RTS_COMPONENTS_MAX 20000

struct rts_component {
    char *name; /* module path (Go) or crate as symbols spell it (Rust); owned */
    char *purl; /* owned; NULL: its version is not known, or there are several */
};

/* Zero-initialise. */
struct rts_components {
    /* The purl for the linkage name of a function, or NULL. */
    const char *(*purl_of)(const struct rts_components *components, const char *function);
    struct rts_component *items; /* sorted by name */
    size_t count, capacity;
    char *main_name; /* Go: the module of package main; owned; NULL: unknown */
    char *standard;  /* Go: purl of the standard library; owned; NULL: unknown */
};

void rts_components_destroy(struct rts_components *components);

/* The memory that they take. */
size_t rts_components_bytes(const struct rts_components *components);

/* Adds one; `name` and `purl` (may be NULL) are taken over. */
void rts_components_add(struct rts_components *components, char *name, char *purl);

/* The list is complete: sorts it, and makes one of those that have one name, without a purl where
 * theirs differ. */
void rts_components_complete(struct rts_components *components);

/* The component called by the first `size` bytes of `name`, once the list is complete; or NULL. */
const struct rts_component *rts_components_find(const struct rts_components *components,
                                                const char *name, size_t size);

#endif
