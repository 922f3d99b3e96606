/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/secret.h"

#include <string.h>

/* Shorter ones are not looked for: they would be found everywhere. */
#define SECRET_MIN 4

void rts_secret_blot_out(char *bytes, size_t size, const char *secret)
{
    size_t length = strlen(secret);
    if (length < SECRET_MIN)
        return;
    for (char *found; size >= length && (found = memmem(bytes, size, secret, length));) {
        memset(found, '*', length);
        size -= (size_t)(found + length - bytes);
        bytes = found + length;
    }
}
