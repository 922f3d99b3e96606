/* SPDX-License-Identifier: Apache-2.0 */
/* Which crate a mangled Rust name is of. Pure. */
#ifndef RTS_PACKAGE_RUST_CRATE_H
#define RTS_PACKAGE_RUST_CRATE_H

#include <stddef.h>

/*
 * The crate that the code of this function was written in, in both manglings (RFC 2603's _R and the
 * older _ZN…17h<hash>E). Points *crate into `name` and returns its length; 0: it is not a name of
 * Rust, or the name leaves more than one possibility: an implementation of one crate's trait for
 * another crate's type may be in either.
 */
size_t rts_rust_crate(const char *name, const char **crate);

#endif
