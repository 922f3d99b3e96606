/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256, streaming and in one call. A libcrypto that cannot compute it ends the program, as
 * running out of memory does: without digests there are no ids.
 */
#ifndef RTS_UTIL_SHA256_H
#define RTS_UTIL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "util/hex.h"

#define RTS_SHA256_SIZE     32
#define RTS_SHA256_HEX_SIZE RTS_HEX_SIZE(RTS_SHA256_SIZE)

struct rts_sha256 {
    struct evp_md_ctx_st *context;
};

/* Starts a digest; ended by rts_sha256_finish(), which must be called in every case. */
void rts_sha256_init(struct rts_sha256 *hash);
void rts_sha256_update(struct rts_sha256 *hash, const void *bytes, size_t size);

/* Frees the state and writes the digest; `digest` may be NULL when it is no longer wanted. */
void rts_sha256_finish(struct rts_sha256 *hash, uint8_t digest[RTS_SHA256_SIZE]);

/* The digest of bytes that are all there. */
void rts_sha256_bytes(const void *bytes, size_t size, uint8_t digest[RTS_SHA256_SIZE]);

/* Writes the digest as 64 lowercase hex digits and a NUL. */
void rts_sha256_hex(const uint8_t digest[RTS_SHA256_SIZE], char hex[RTS_SHA256_HEX_SIZE]);

#endif
