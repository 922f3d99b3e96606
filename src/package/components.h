/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages that were linked into one file, where its compiler left a list: Go's build
 * information and the dependencies that cargo-auditable stores. Which of them a function is of is
 * told by its linkage name. Untrusted input.
 */
#ifndef RTS_PACKAGE_COMPONENTS_H
#define RTS_PACKAGE_COMPONENTS_H

#include "binary/object.h"
#include "package/component_list.h"

/* What `object` says it was linked of; NULL when it says nothing. */
struct rts_components *rts_components_read(const struct rts_object *object);

/* The purl of the component that the function of this linkage name is of; NULL when that is not
 * certain. Owned by the components. */
const char *rts_components_purl(const struct rts_components *components, const char *function);

#endif
