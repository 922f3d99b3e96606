/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 in the URL-safe alphabet, without padding (RFC 4648, section 5). */
#ifndef RTS_UTIL_BASE64URL_H
#define RTS_UTIL_BASE64URL_H

#include <stddef.h>

#include "util/buffer.h"

/* Appends the encoded bytes. */
void rts_base64url_append(struct rts_buffer *buffer, const void *bytes, size_t size);

#endif
