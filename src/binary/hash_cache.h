/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SHA-256 of files, kept across runs in a directory of one user. A file is known by device,
 * inode, size, the times of its last change (content and inode, to the nanosecond) and its first
 * and last bytes; what was changed so lately that another change could leave the times as they are
 * is not remembered. An entry that is damaged is none.
 */
#ifndef RTS_BINARY_HASH_CACHE_H
#define RTS_BINARY_HASH_CACHE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/sha256.h"

/* Files that are remembered; beyond it those that were asked for longest ago are forgotten. Some
 * 3 MiB. */
#define RTS_HASH_CACHE_MAX 16384

struct rts_hash_cache;

/* Reads what is in `directory`, which is created with mode 0700 if need be. Fails when it cannot be
 * used, or others may write into it: they could plant hashes. */
struct rts_hash_cache *rts_hash_cache_open(const char *directory, struct rts_error *error);

/* Writes what is new, as a whole (mode 0600), and frees. Accepts NULL. */
int rts_hash_cache_close(struct rts_hash_cache *cache, struct rts_error *error);

/* The hash of the open file, if it is known. */
bool rts_hash_cache_find(struct rts_hash_cache *cache, int fd, char hex[RTS_SHA256_HEX_SIZE]);

/* Remembers a hash that was computed after `before` was read from fstat(2). */
void rts_hash_cache_add(struct rts_hash_cache *cache, int fd, const struct stat *before,
                        const char *hex);

#endif
