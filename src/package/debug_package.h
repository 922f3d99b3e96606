/* SPDX-License-Identifier: Apache-2.0 */
/* Which package would bring the names of functions that a package's files do not have. Pure. */
#ifndef RTS_PACKAGE_DEBUG_PACKAGE_H
#define RTS_PACKAGE_DEBUG_PACKAGE_H

#include <stdbool.h>

#define RTS_DEBUG_PACKAGE_SIZE 128

/* Writes the name of the package with the debug symbols of the one that the purl names, by what its
 * distribution calls them: Debian's NAME-dbgsym and libc6-dbg, rpm's NAME-debuginfo, Alpine's
 * NAME-dbg. False, and "" written, for packages of other kinds, and where the name does not fit. */
bool rts_debug_package(const char *purl, char name[RTS_DEBUG_PACKAGE_SIZE]);

#endif
