/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/bundle_parts.h"
#include "util/cleanup.h"
#include "util/hex.h"

void rts_bundle_uri(const char sha256[RTS_SHA256_HEX_SIZE], char uri[RTS_BUNDLE_URI_SIZE])
{
    snprintf(uri, RTS_BUNDLE_URI_SIZE,
             RTS_BUNDLE_SCHEME RTS_BUNDLE_FOLDER "/%.2s/%.64s" RTS_BUNDLE_SUFFIX, sha256, sha256);
}

bool rts_bundle_digest_of_name(const char *name, char sha256[RTS_SHA256_HEX_SIZE])
{
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    if (strspn(last, RTS_HEX_DIGITS) != RTS_BUNDLE_DIGITS ||
        strcmp(last + RTS_BUNDLE_DIGITS, RTS_BUNDLE_SUFFIX) != 0)
        return false;
    snprintf(sha256, RTS_SHA256_HEX_SIZE, "%.64s", last);
    return true;
}

bool rts_bundle_is_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(RTS_BUNDLE_SUFFIX);
    return strncmp(name, RTS_BUNDLE_SCHEME, strlen(RTS_BUNDLE_SCHEME)) == 0 ||
           (length > suffix && strcmp(name + length - suffix, RTS_BUNDLE_SUFFIX) == 0);
}

int rts_bundle_hash(int fd, const char *name, char hex[RTS_SHA256_HEX_SIZE], uint64_t *size,
                    struct rts_error *error)
{
    struct rts_sha256 hash;
    uint8_t digest[RTS_SHA256_SIZE];
    RTS_FREE char *bytes = malloc(RTS_BUNDLE_COPY_BYTES);
    ssize_t count = -1;
    *size = 0;
    rts_sha256_init(&hash);
    while (bytes && (count = read(fd, bytes, RTS_BUNDLE_COPY_BYTES)) > 0) {
        rts_sha256_update(&hash, bytes, (size_t)count);
        *size += (uint64_t)count;
    }
    int number = errno;
    rts_sha256_finish(&hash, digest);
    rts_sha256_hex(digest, hex);
    if (count < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return rts_fail_errno(error, number, "cannot read %s", name);
    return 0;
}

int rts_bundle_not_built(const char *library, struct rts_error *error)
{
    return rts_fail(error, RTS_USAGE, "bundles need %s, which this rtsample was built without",
                    library);
}
