/* SPDX-License-Identifier: Apache-2.0 */
#include "util/base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void rts_base64url_append(struct rts_buffer *buffer, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        size_t taken = size < 3 ? size : 3;
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < taken ? at[i] : 0u);
        const char digits[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                                alphabet[bits >> 6 & 63], alphabet[bits & 63]};
        rts_buffer_append(buffer, digits, taken + 1);
        at += taken;
        size -= taken;
    }
}
