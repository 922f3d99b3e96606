/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a package can be read by anybody, whoever named it. */
#ifndef RTS_TESTS_FUZZ_PURL_H
#define RTS_TESTS_FUZZ_PURL_H

#include <stdlib.h>
#include <string.h>

#include "package/purl.h"

/* Ends the target where that is not so. */
static void fuzz_check_purl(const char *purl)
{
    if (strncmp(purl, "pkg:", 4) != 0 || strlen(purl) > RTS_PURL_MAX)
        abort();
    for (const char *at = purl; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
            abort();
}

#endif
