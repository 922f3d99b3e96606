/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RTS_SYMBOLS_DEMANGLE_H
#define RTS_SYMBOLS_DEMANGLE_H

/* The readable form of a C++ (Itanium) or Rust (v0 and legacy) name, or NULL when `name` is not
 * mangled or longer than the library may be trusted with. The caller frees it. */
char *rts_demangle(const char *name);

#endif
