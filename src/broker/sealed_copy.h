/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a file in memory, which nobody can change. */
#ifndef RTS_BROKER_SEALED_COPY_H
#define RTS_BROKER_SEALED_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More of a file that may make us wait is not copied: larger libraries are rare, and this is
 * memory.
 */
#define RTS_SEALED_COPY_MAX ((uint64_t)128 << 20)

/* Copies all of `fd` from its beginning. Returns the descriptor of the copy, or -1 with errno:
 * EFBIG beyond `limit` bytes, however much the file said that it has. */
int rts_sealed_copy(int fd, uint64_t limit);

/* The same of bytes in memory. */
int rts_sealed_bytes(const void *bytes, size_t size);

/* Is `fd` such a copy: sealed against writing and against a change of its size? */
bool rts_sealed_is(int fd);

#endif
