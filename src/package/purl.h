/* SPDX-License-Identifier: Apache-2.0 */
/* Package URLs (purl), as the specification of the package-url project writes them. */
#ifndef RTS_PACKAGE_PURL_H
#define RTS_PACKAGE_PURL_H

#include "util/buffer.h"

/* Longer ones name no package of this world. */
#define RTS_PURL_MAX 1024

/* Parts that are NULL or empty are left out. */
struct rts_purl {
    const char *type;    /* "deb" */
    const char *space;   /* the namespace; its slashes separate segments */
    const char *name;    /* a golang module's may have slashes: they separate segments too */
    const char *version; /* as the packager writes it */
    const char *arch;    /* qualifier arch */
    const char *distro;  /* qualifier distro */
    const char *epoch;   /* qualifier epoch (rpm); "0" is left out */
};

/* The purl in new memory: letters, digits, ".", "-", "_", "~" and ":" stay as they are, every other
 * byte is percent-encoded; qualifiers in the order of their keys. Namespace and name are put in
 * lower case where the type asks for it (deb, rpm's namespace, apk, golang, pypi), and pypi's "_"
 * becomes "-". NULL when there is no name or no version, or when it would be too long. */
char *rts_purl_format(const struct rts_purl *purl);

#endif
