/* SPDX-License-Identifier: Apache-2.0 */
#include "util/hex.h"

#include <stdint.h>

int rts_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void rts_hex_write(char *text, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = RTS_HEX_DIGITS[byte[i] >> 4];
        text[2 * i + 1] = RTS_HEX_DIGITS[byte[i] & 15];
    }
    text[2 * size] = '\0';
}

bool rts_hex_read(void *bytes, const char *text, size_t size)
{
    uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        int high = rts_hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : rts_hex_digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        byte[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
