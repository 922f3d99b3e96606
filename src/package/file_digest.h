/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a file, to compare with what its package says. */
#ifndef RTS_PACKAGE_FILE_DIGEST_H
#define RTS_PACKAGE_FILE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger files are not compared: reading them would keep us from the samples for too long. */
#define RTS_FILE_DIGEST_MAX (64ULL << 20)

/* Writes the digest that is `size` bytes long (see struct rts_package_owner) of the whole file
 * behind `fd`; false when it cannot be read, is too large, or libcrypto refuses the algorithm. */
bool rts_file_digest(int fd, size_t size, uint8_t *digest);

#endif
