/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/symbol_id.h"

#include <string.h>

#include "util/base64url.h"
#include "util/buffer.h"
#include "util/sha256.h"

char *rts_symbol_id_union_v01(const char *code, const char *section, const char *name)
{
    struct rts_sha256 hash;
    uint8_t digest[RTS_SHA256_SIZE];
    rts_sha256_init(&hash);
    /* The first two with their NUL, which is the separator; the last without. */
    rts_sha256_update(&hash, code, strlen(code) + 1);
    rts_sha256_update(&hash, section, strlen(section) + 1);
    rts_sha256_update(&hash, name, strlen(name));
    rts_sha256_finish(&hash, digest);

    struct rts_buffer id = RTS_BUFFER_INIT;
    rts_buffer_text(&id, "sym:binary:");
    rts_base64url_append(&id, digest, sizeof digest);
    return id.data;
}
