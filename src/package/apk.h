/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alpine's package database below a root directory: lib/apk/db/installed, in later releases
 * usr/lib/apk/db/installed. Read once into an index; what that suspects is verified in the file
 * itself. Untrusted input.
 */
#ifndef RTS_PACKAGE_APK_H
#define RTS_PACKAGE_APK_H

#include <stdbool.h>
#include <stddef.h>

#include "package/os_release.h"
#include "package/owner.h"
#include "package/reading.h"

struct rts_apk;

/* Reads the database of the tree. NULL when there is none, or `reading` was spent. */
struct rts_apk *rts_apk_create(struct rts_reading *reading);
void rts_apk_destroy(struct rts_apk *apk);

/* The memory that it takes; 0: NULL. */
size_t rts_apk_bytes(const struct rts_apk *apk);

/* Fills *owner with the package that owns `path`. False when none does, or several. */
bool rts_apk_owner(const struct rts_apk *apk, struct rts_reading *reading,
                   const struct rts_os_release *os, const char *path,
                   struct rts_package_owner *owner);

#endif
