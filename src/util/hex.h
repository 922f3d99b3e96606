/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal digits, two each. Written in lower case. */
#ifndef RTS_UTIL_HEX_H
#define RTS_UTIL_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* What is written, for strspn(): texts of ours, and ids that are lowercase by their definition. */
#define RTS_HEX_DIGITS "0123456789abcdef"

/* Bytes of the text for `size` bytes, with its NUL. */
#define RTS_HEX_SIZE(size) (2 * (size) + 1)

/* The value of a digit of either case; -1: it is not a digit. */
int rts_hex_digit(char digit);

/* Writes `size` bytes as RTS_HEX_SIZE(size) characters. */
void rts_hex_write(char *text, const void *bytes, size_t size);

/* Reads 2 * `size` digits of either case; false at the first character that is not one, such as the
 * NUL of a shorter text. What follows them is not looked at. */
bool rts_hex_read(void *bytes, const char *text, size_t size);

#endif
