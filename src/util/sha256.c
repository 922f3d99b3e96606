/* SPDX-License-Identifier: Apache-2.0 */
#include "util/sha256.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

static void require(int succeeded)
{
    if (succeeded == 1)
        return;
    fputs("rtsample: libcrypto cannot compute SHA-256\n", stderr);
    exit(1);
}

void rts_sha256_init(struct rts_sha256 *hash)
{
    hash->context = EVP_MD_CTX_new();
    require(hash->context != NULL);
    require(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
}

void rts_sha256_update(struct rts_sha256 *hash, const void *bytes, size_t size)
{
    require(EVP_DigestUpdate(hash->context, bytes, size));
}

void rts_sha256_finish(struct rts_sha256 *hash, uint8_t digest[RTS_SHA256_SIZE])
{
    if (digest)
        require(EVP_DigestFinal_ex(hash->context, digest, NULL));
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
}

void rts_sha256_bytes(const void *bytes, size_t size, uint8_t digest[RTS_SHA256_SIZE])
{
    struct rts_sha256 hash;
    rts_sha256_init(&hash);
    rts_sha256_update(&hash, bytes, size);
    rts_sha256_finish(&hash, digest);
}

void rts_sha256_hex(const uint8_t digest[RTS_SHA256_SIZE], char hex[RTS_SHA256_HEX_SIZE])
{
    rts_hex_write(hex, digest, RTS_SHA256_SIZE);
}
