/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbol_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/base64url.h"
#include "util/buffer.h"
#include "util/sha256.h"

/* "0x" and sixteen digits. */
#define NUMBER_SIZE 19

static const char *const linkages[] = {
    [RTS_LINKAGE_GLOBAL] = "global",
    [RTS_LINKAGE_WEAK] = "weak",
    [RTS_LINKAGE_LOCAL] = "local",
};

static char *digest(const char *prefix, const char *const *parts, size_t count)
{
    struct rts_sha256 hash;
    uint8_t value[RTS_SHA256_SIZE];
    rts_sha256_init(&hash);
    for (size_t i = 0; i < count; i++)
        /* All but the last with their NUL, which is the separator. */
        rts_sha256_update(&hash, parts[i], strlen(parts[i]) + (i + 1 < count));
    rts_sha256_finish(&hash, value);

    struct rts_buffer id = RTS_BUFFER_INIT;
    rts_buffer_text(&id, prefix);
    rts_base64url_append(&id, value, sizeof value);
    return id.data;
}

static void write_number(char text[NUMBER_SIZE], uint64_t number)
{
    snprintf(text, NUMBER_SIZE, "0x%" PRIx64, number);
}

char *rts_symbol_id_union_v01(const char *code, const char *section, const char *name)
{
    const char *const parts[] = {code, section, name};
    return digest("sym:binary:", parts, sizeof parts / sizeof *parts);
}

char *rts_code_id_union_v01(const char *code, bool is_file_hash)
{
    struct rts_buffer id = RTS_BUFFER_INIT;
    rts_buffer_text(&id, is_file_hash ? "sha256-" : "buildid-");
    rts_buffer_text(&id, code);
    return id.data;
}

char *rts_symbol_id_addressed(const struct rts_addressed *function)
{
    char address[NUMBER_SIZE];
    write_number(address, function->address);
    const char *const parts[] = {function->file_sha256, function->section, address, function->name,
                                 linkages[function->linkage]};
    return digest("sym:binary:", parts, sizeof parts / sizeof *parts);
}

char *rts_code_id_addressed(const struct rts_addressed *function)
{
    char address[NUMBER_SIZE], size[NUMBER_SIZE];
    write_number(address, function->address);
    write_number(size, function->size);
    const char *const parts[] = {"elf",   function->code, function->section,
                                 address, size,           function->block_sha256};
    return digest("code:binary:", parts, sizeof parts / sizeof *parts);
}
