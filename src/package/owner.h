/* SPDX-License-Identifier: Apache-2.0 */
/* What a package database says about one path. */
#ifndef RTS_PACKAGE_OWNER_H
#define RTS_PACKAGE_OWNER_H

#include <stddef.h>
#include <stdint.h>

#define RTS_DIGEST_MAX 64

struct rts_package_owner {
    char *purl;         /* owned */
    size_t digest_size; /* bytes: 16 MD5, 20 SHA-1, 32 SHA-256, 64 SHA-512; 0: none is known */
    uint8_t digest[RTS_DIGEST_MAX]; /* of the file as the package brought it */
};

#endif
