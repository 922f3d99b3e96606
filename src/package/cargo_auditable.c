/* SPDX-License-Identifier: Apache-2.0 */
#include "package/cargo_auditable.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "binary/object_content.h"
#include "package/purl.h"
#include "package/rust_crate.h"
#include "util/cleanup.h"
#include "util/memory.h"

/* Compressed and not: a thousand crates have some 100 KiB. */
#define PACKED_MAX   (1u << 20)
#define UNPACKED_MAX (8u << 20)

static char *unpack(const void *bytes, size_t size, size_t *unpacked)
{
    uLongf length = UNPACKED_MAX;
    char *text = malloc(length);
    if (!text || uncompress((Bytef *)text, &length, bytes, (uLong)size) != Z_OK) {
        free(text);
        return NULL;
    }
    *unpacked = length;
    return text;
}

static const char *field(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void add_crate(struct rts_components *components, const json_t *package)
{
    const char *name = field(package, "name");
    /* Build scripts and macros ran when it was compiled; they are not in the program. */
    if (!*name || strcmp(field(package, "kind"), "build") == 0)
        return;
    struct rts_purl purl = {.type = "cargo", .name = name, .version = field(package, "version")};
    char *symbol = rts_strdup(name);
    for (char *at = symbol; *at; at++)
        *at = *at == '-' ? '_' : *at;
    rts_components_add(components, symbol, rts_purl_format(&purl));
}

static const char *purl_of(const struct rts_components *components, const char *function)
{
    const char *crate;
    size_t size = rts_rust_crate(function, &crate);
    const struct rts_component *component =
        size > 0 ? rts_components_find(components, crate, size) : NULL;
    return component ? component->purl : NULL;
}

bool rts_cargo_auditable_read(const struct rts_object *object, struct rts_components *components)
{
    size_t packed_size, size;
    RTS_FREE void *packed = rts_object_section_load(object, ".dep-v0", PACKED_MAX, &packed_size);
    RTS_FREE char *text = packed ? unpack(packed, packed_size, &size) : NULL;
    json_t *list = text ? json_loadb(text, size, 0, NULL) : NULL;
    const json_t *packages = json_object_get(list, "packages");
    bool known = json_is_array(packages);
    for (size_t i = 0; known && i < json_array_size(packages); i++)
        add_crate(components, json_array_get(packages, i));
    json_decref(list);
    components->purl_of = purl_of;
    return known;
}
