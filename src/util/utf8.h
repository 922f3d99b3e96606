/* SPDX-License-Identifier: Apache-2.0 */
/* Characters in bytes that may be anything. */
#ifndef RTS_UTIL_UTF8_H
#define RTS_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rts_utf8 {
    size_t size;    /* bytes it takes, at least 1 */
    uint32_t point; /* the code point when valid */
    bool valid;
};

/* The character at `at`, of which `size` bytes (at least 1) are there. What is not UTF-8 comes in
 * maximal ill-formed sequences (Unicode, section 3.9), none of them valid. */
struct rts_utf8 rts_utf8_decode(const void *at, size_t size);

/* Writes a character up to U+10FFFF in 1 to 4 bytes, and returns how many. */
size_t rts_utf8_encode(uint32_t point, char bytes[4]);

/* Does this character do something other than be seen? So do controls (C0, DEL, C1), which steer
 * terminals; separators of lines and paragraphs; marks of direction, which show text in another
 * order than it has; all other format characters (category Cf) and those that are drawn as nothing
 * (Default_Ignorable_Code_Point), which make different names look the same; and what is no
 * character for ever. Unicode 16, and what it reserves for more of the kind. */
bool rts_is_unseen(uint32_t point);

#endif
