/* SPDX-License-Identifier: Apache-2.0 */
#include "package/debug_package.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The part of the purl that names the package: behind the last "/" before "@", "?" or the end. */
static bool take_name(const char *purl, char name[RTS_DEBUG_PACKAGE_SIZE])
{
    size_t end = strcspn(purl, "@?#"), begin = end;
    while (begin > 0 && purl[begin - 1] != '/')
        begin--;
    int length = end - begin < INT_MAX ? snprintf(name, RTS_DEBUG_PACKAGE_SIZE, "%.*s",
                                                  (int)(end - begin), purl + begin)
                                       : -1;
    return length > 0 && length < RTS_DEBUG_PACKAGE_SIZE;
}

bool rts_debug_package(const char *purl, char name[RTS_DEBUG_PACKAGE_SIZE])
{
    static const struct {
        const char *type, *only; /* only: the one package that it is said of; NULL: all others */
        const char *suffix;
    } rules[] = {
        {"pkg:deb/", "libc6", "-dbg"},
        {"pkg:deb/", NULL, "-dbgsym"},
        {"pkg:rpm/", NULL, "-debuginfo"},
        {"pkg:apk/", NULL, "-dbg"},
    };
    char package[RTS_DEBUG_PACKAGE_SIZE];
    name[0] = '\0';
    if (!take_name(purl, package))
        return false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strncmp(purl, rules[i].type, strlen(rules[i].type)) != 0 ||
            (rules[i].only && strcmp(package, rules[i].only) != 0))
            continue;
        int length = snprintf(name, RTS_DEBUG_PACKAGE_SIZE, "%s%s", package, rules[i].suffix);
        if (length < RTS_DEBUG_PACKAGE_SIZE)
            return true;
        name[0] = '\0';
        return false;
    }
    return false;
}
