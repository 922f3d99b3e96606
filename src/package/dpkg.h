/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's package database below a root directory: /var/lib/dpkg/status with info/NAME.list and
 * info/NAME.md5sums, and the status.d/ of images without a package manager. It is read once into an
 * index; what that suspects is verified in the files themselves. Untrusted input.
 */
#ifndef RTS_PACKAGE_DPKG_H
#define RTS_PACKAGE_DPKG_H

#include <stdbool.h>
#include <stddef.h>

#include "package/os_release.h"
#include "package/owner.h"
#include "package/reading.h"

struct rts_dpkg;

/* Reads the database of the tree. NULL when there is none, or `reading` was spent. */
struct rts_dpkg *rts_dpkg_create(struct rts_reading *reading);
void rts_dpkg_destroy(struct rts_dpkg *dpkg);

/* The memory that it takes; 0: NULL. */
size_t rts_dpkg_bytes(const struct rts_dpkg *dpkg);

/* Fills *owner with the package that owns `path`, as `dpkg -S` would say: diversions are followed,
 * and where /usr is merged a path may be written either way. False when none does, or several. */
bool rts_dpkg_owner(const struct rts_dpkg *dpkg, struct rts_reading *reading,
                    const struct rts_os_release *os, const char *path,
                    struct rts_package_owner *owner);

#endif
