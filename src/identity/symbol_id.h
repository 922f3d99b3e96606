/* SPDX-License-Identifier: Apache-2.0 */
/* The id schemes, one function each. Golden vectors: tests/unit/identity. */
#ifndef RTS_IDENTITY_SYMBOL_ID_H
#define RTS_IDENTITY_SYMBOL_ID_H

/* "sym:binary:" + base64url without padding of SHA-256(code NUL section NUL name), where `code` is
 * the bare lowercase hex of the build-id, or of the file's SHA-256 when it has none. Returns a new
 * string that the caller frees. */
char *rts_symbol_id_union_v01(const char *code, const char *section, const char *name);

#endif
