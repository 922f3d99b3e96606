/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: a trace as an archive whose name is its content's digest, below a folder:
 *
 *     DIR/runtime_traces/<hh>/<sha>.tar.zst     where it lies: <sha> is the SHA-256 of the file,
 *                                               <hh> the first two digits of that
 *     cas://runtime_traces/<hh>/<sha>.tar.zst   its name, wherever the folder is
 *
 * It holds meta.json and trace.data, in this order, as a tar archive of owner 0, mode 0644 and time
 * 0, compressed with zstd at level 19: equal traces give equal bundles with the same libraries.
 * Built without libarchive, and for packing libzstd, each of these fails and says so.
 */
#ifndef RTS_BUNDLE_BUNDLE_H
#define RTS_BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/sha256.h"

/* "cas://runtime_traces/hh/" and the digest, ".tar.zst", NUL. */
#define RTS_BUNDLE_URI_SIZE (24 + 64 + 8 + 1)

/* What meta.json says beside the digests of the entries; strings may be NULL. */
struct rts_bundle_facts {
    const char *analysis_id;
    const char *config_sha256;
    uint64_t node_count; /* distinct symbols */
    uint64_t edge_count; /* distinct pairs of caller and callee */
};

void rts_bundle_uri(const char sha256[RTS_SHA256_HEX_SIZE], char uri[RTS_BUNDLE_URI_SIZE]);

/* Called after each piece of some 64 KiB that was packed, and may take its time; false: give up. */
struct rts_bundle_pace {
    void *context;
    bool (*go_on)(void *context);
};

/* Opens a file without a name below `directory`, which is made if need be, for a trace that is to
 * be packed there. Returns its fd, or -1. */
int rts_bundle_begin(const char *directory, struct rts_error *error);

/* Packs the trace in the file `trace`, from its beginning, into a bundle below `directory`, which
 * is made if need be. Its content and its name are on disk when this returns. `pace` may be NULL.
 */
int rts_bundle_pack(const char *directory, int trace, const struct rts_bundle_facts *facts,
                    const struct rts_bundle_pace *pace, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error);

/* Is this the name of a bundle: a URI as above, or a path that ends in ".tar.zst"? */
bool rts_bundle_is_name(const char *name);

/*
 * Opens the trace in a bundle. `name` is a path, or a URI, which is looked for below `directory`
 * (may be NULL for a path). The file has to have the digest that its name says, and the trace that
 * of meta.json: else nothing of it is used. Returns an fd of the trace, in a file without a name,
 * and the bundle's digest in sha256.
 */
int rts_bundle_open(const char *name, const char *directory, char sha256[RTS_SHA256_HEX_SIZE],
                    struct rts_error *error);

#endif
