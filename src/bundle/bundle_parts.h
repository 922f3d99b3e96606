/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of bundle/bundle.h share: bundle.c (names), bundle_pack.c and bundle_open.c. */
#ifndef RTS_BUNDLE_BUNDLE_PARTS_H
#define RTS_BUNDLE_BUNDLE_PARTS_H

#include <stddef.h>

#include "bundle/bundle.h"

#define RTS_BUNDLE_FOLDER "runtime_traces"
#define RTS_BUNDLE_SCHEME "cas://"
#define RTS_BUNDLE_SUFFIX ".tar.zst"

/* The entries. */
#define RTS_BUNDLE_META  "meta.json"
#define RTS_BUNDLE_TRACE "trace.data"

/* Read and written at once. */
#define RTS_BUNDLE_COPY_BYTES ((size_t)64 << 10)

#define RTS_BUNDLE_DIGITS (RTS_SHA256_HEX_SIZE - 1)

/* The digest in a name; false when there is none. */
bool rts_bundle_digest_of_name(const char *name, char sha256[RTS_SHA256_HEX_SIZE]);

/* The digest of a file, and its size; the fd is back at its beginning. */
int rts_bundle_hash(int fd, const char *name, char sha256[RTS_SHA256_HEX_SIZE], uint64_t *size,
                    struct rts_error *error);

/* Fails because this rtsample was built without what bundles take. */
int rts_bundle_not_built(const char *library, struct rts_error *error);

#endif
