/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) of whole bodies: equal input gives equal bytes. Pure. */
#ifndef RTS_DELIVERY_GZIP_H
#define RTS_DELIVERY_GZIP_H

#include <stddef.h>

#include "util/buffer.h"
#include "util/error.h"

/* Appends `bytes` at level 6, with no time, no name and always the same operating system in the
 * header. */
void rts_gzip(struct rts_buffer *out, const void *bytes, size_t size);

/* Appends the content of one gzip member. Fails when it is damaged, has more behind it, or would
 * become larger than `size_max`. */
int rts_gunzip(struct rts_buffer *out, const void *bytes, size_t size, size_t size_max,
               struct rts_error *error);

#endif
