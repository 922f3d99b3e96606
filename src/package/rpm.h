/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rpm database below a root directory, whichever of rpm's formats it has. It is listed once
 * (package/rpm_listing.h) and the list is indexed, in parts between which samples are taken; what
 * the index suspects is verified in the list. Untrusted input.
 */
#ifndef RTS_PACKAGE_RPM_H
#define RTS_PACKAGE_RPM_H

#include <stdbool.h>
#include <stddef.h>

#include "package/os_release.h"
#include "package/owner.h"
#include "package/reading.h"

struct rts_rpm;

/* Begins to read a list of it (package/rpm_listing.h), a file that is taken over, within the limits
 * of `reading`, which is copied and pauses from here on. */
struct rts_rpm *rts_rpm_begin(const struct rts_reading *reading, int list);

/* Goes on for some milliseconds; `tree` is the root of the database. True: that was all; then
 * *failed says that it was not read as a whole, and the rpm is to be destroyed. */
bool rts_rpm_go_on(struct rts_rpm *rpm, const struct rts_tree *tree, bool *failed);

/* Both at once. NULL: *failed is set. Fuzzed by itself. */
struct rts_rpm *rts_rpm_take(struct rts_reading *reading, int list, bool *failed);

void rts_rpm_destroy(struct rts_rpm *rpm);

/* The memory that it takes; 0: NULL. */
size_t rts_rpm_bytes(const struct rts_rpm *rpm);

/* Fills *owner with the package that owns `path`, as `rpm -qf` would say, in either spelling where
 * /usr is merged. False when none does, or several. */
bool rts_rpm_owner(const struct rts_rpm *rpm, struct rts_reading *reading,
                   const struct rts_os_release *os, const char *path,
                   struct rts_package_owner *owner);

#endif
