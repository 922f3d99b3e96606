/* SPDX-License-Identifier: Apache-2.0 */
#include "util/short_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"
#include "util/sha256.h"

#define MARK          "\xe2\x80\xa6#sha256:"
#define DIGITS        16
#define BEGINNING_MAX (RTS_NAME_MAX - (sizeof MARK - 1) - DIGITS)

static bool within_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

char *rts_short_name(const char *name)
{
    if (!name)
        return NULL;
    size_t size = strlen(name), kept = BEGINNING_MAX;
    if (size <= RTS_NAME_MAX)
        return rts_strdup(name);
    /* What is not UTF-8 is cut anywhere. */
    for (size_t back = 0; back < 4; back++) {
        if (!within_character(name[BEGINNING_MAX - back])) {
            kept = BEGINNING_MAX - back;
            break;
        }
    }
    uint8_t digest[RTS_SHA256_SIZE];
    char hex[RTS_SHA256_HEX_SIZE];
    rts_sha256_bytes(name, size, digest);
    rts_sha256_hex(digest, hex);
    char *text = rts_calloc(RTS_NAME_MAX + 1, 1);
    memcpy(text, name, kept);
    snprintf(text + kept, RTS_NAME_MAX + 1 - kept, MARK "%.*s", DIGITS, hex);
    return text;
}
