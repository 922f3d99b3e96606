/* SPDX-License-Identifier: Apache-2.0 */
/* Names that others chose, as long as they like: what is kept and written of them is bounded. Pure.
 */
#ifndef RTS_UTIL_SHORT_NAME_H
#define RTS_UTIL_SHORT_NAME_H

/* Bytes of a name in a fact. Those of compilers and people are shorter, but for a template here and
 * there. */
#define RTS_NAME_MAX 1024

/* A copy of a name; of one that is longer than RTS_NAME_MAX as much of its beginning as fits, up to
 * the end of a character of UTF-8, and behind that "…#sha256:" and the first 16 hex digits of the
 * digest of the whole. NULL gives NULL. */
char *rts_short_name(const char *name);

#endif
