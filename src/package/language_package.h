/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native code that a language's own package manager installed, below a root directory: extension
 * modules of Python by the RECORD of a .dist-info folder, add-ons of Node by the nearest
 * package.json. Untrusted input.
 */
#ifndef RTS_PACKAGE_LANGUAGE_PACKAGE_H
#define RTS_PACKAGE_LANGUAGE_PACKAGE_H

#include "package/reading.h"

/* The purl of the package that brought `path` of the tree, owned by the caller; NULL when none says
 * so. */
char *rts_language_package_purl(struct rts_reading *reading, const char *path);

#endif
