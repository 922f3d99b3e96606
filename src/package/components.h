/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages that were linked into one file, where its compiler left a list: Go's build
 * information and the dependencies that cargo-auditable stores. Which of them a function is of is
 * told by its linkage name. Untrusted input.
 */
#ifndef RTS_PACKAGE_COMPONENTS_H
#define RTS_PACKAGE_COMPONENTS_H

#include "binary/object.h"

/* Of one file; the rest of a longer list is not known. */
#define RTS_COMPONENTS_MAX 20000

struct rts_component {
    char *name; /* module path (Go) or crate as symbols spell it (Rust); owned */
    char *purl; /* owned; NULL: its version is not known, or there are several */
};

struct rts_components {
    /* The purl for the linkage name of a function, or NULL. */
    const char *(*purl_of)(const struct rts_components *components, const char *function);
    struct rts_component *items; /* sorted by name */
    size_t count, capacity;
    char *main_name; /* Go: the module of package main; owned; NULL: unknown */
    char *standard;  /* Go: purl of the standard library; owned; NULL: unknown */
};

/* What `object` says it was linked of; NULL when it says nothing. */
struct rts_components *rts_components_read(const struct rts_object *object);
void rts_components_destroy(struct rts_components *components);

/* The memory that they take. */
size_t rts_components_bytes(const struct rts_components *components);

/* The purl of the component that the function of this linkage name is of; NULL when that is not
 * certain. Owned by the components. */
const char *rts_components_purl(const struct rts_components *components, const char *function);

/* For the readers of lists. `name` and `purl` (may be NULL) are taken over. */
void rts_components_add(struct rts_components *components, char *name, char *purl);

/* The component called by the first `size` bytes of `name`, once the list is complete; or NULL. */
const struct rts_component *rts_components_find(const struct rts_components *components,
                                                const char *name, size_t size);

#endif
