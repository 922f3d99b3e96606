/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON strings where the order of keys and the exact bytes matter. Everything else about the syntax
 * is written by the caller as literal text.
 */
#ifndef RTS_UTIL_JSON_H
#define RTS_UTIL_JSON_H

#include <stddef.h>

#include "util/buffer.h"

/*
 * Appends `text` as a JSON string, quotes included. The result is always valid UTF-8: each maximal
 * ill-formed sequence becomes one U+FFFD. Escaped are the quote, the backslash, and all that
 * rts_is_unseen() (util/utf8.h): a string can neither break a line nor steer a terminal, and
 * whoever looks at the line sees what is in it.
 */
void rts_json_string(struct rts_buffer *buffer, const char *text);
void rts_json_string_bytes(struct rts_buffer *buffer, const void *bytes, size_t size);

#endif
