/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id schemes, one function for each id. Golden vectors: tests/unit/identity.
 *
 * Every id is a prefix and the unpadded base64url of the SHA-256 of some texts with a zero byte
 * between them. What is documented is which texts, and in which order; how they are spelled is our
 * choice, made here and nowhere else: hashes and build-ids as bare lowercase hexadecimal, numbers
 * as 0x and lowercase hexadecimal without leading zeros, "elf" for the format, "global", "weak" or
 * "local" for the linkage; what is not known is the empty text.
 */
#ifndef RTS_SYMBOLS_SYMBOL_ID_H
#define RTS_SYMBOLS_SYMBOL_ID_H

#include "types.h"

/* union-v0.1. "sym:binary:" and the digest of (code, section, name), where `code` is the build-id,
 * or the file's SHA-256 when it has none. Returns a new string that the caller frees. */
char *rts_symbol_id_union_v01(const char *code, const char *section, const char *name);

/* union-v0.1. "buildid-" and `code`, or "sha256-" and `code` when that is the digest of the file.
 * The caller frees it. */
char *rts_code_id_union_v01(const char *code, bool is_file_hash);

/* What the ids of the scheme "addressed" are made of. Strings borrowed. */
struct rts_addressed {
    const char *file_sha256; /* of the whole file */
    const char *code;        /* the build-id, or file_sha256 when there is none */
    const char *section;
    const char *name;
    const char *block_sha256; /* of the function's bytes; empty when its size is not known */
    uint64_t address, size;   /* link-time address of the first byte; bytes, 0: not known */
    enum rts_linkage linkage;
};

/* addressed. "sym:binary:" and the digest of (file_sha256, section, address, name, linkage). The
 * caller frees it. */
char *rts_symbol_id_addressed(const struct rts_addressed *function);

/* addressed. "code:binary:" and the digest of (format, code, section, address, size, block_sha256).
 * The caller frees it. */
char *rts_code_id_addressed(const struct rts_addressed *function);

#endif
