/* SPDX-License-Identifier: Apache-2.0 */
#include "package/elf_note.h"

#include <elf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "binary/object_content.h"
#include "package/purl.h"
#include "util/cleanup.h"

/* The text has a few hundred bytes. */
#define NOTE_MAX 16384

#define NOTE_TYPE 0xcafe1a7eu

static const char owner[] = "FDO";

/* Types of packages whose names in notes are the types of purl. */
static const char *const types[] = {"apk", "deb", "rpm"};

static const char *field(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static char *purl_of(const json_t *object)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(field(object, "type"), types[i]) != 0)
            continue;
        struct rts_purl purl = {
            .type = types[i],
            .space = field(object, "os"),
            .name = field(object, "name"),
            .version = field(object, "version"),
            .arch = field(object, "architecture"),
        };
        return *purl.space ? rts_purl_format(&purl) : NULL;
    }
    return NULL;
}

char *rts_elf_note_purl(const struct rts_object *object)
{
    size_t size;
    RTS_FREE char *bytes = rts_object_section_load(object, ".note.package", NOTE_MAX, &size);
    Elf64_Nhdr note;
    size_t text = sizeof note + sizeof owner;
    if (!bytes || size < text)
        return NULL;
    memcpy(&note, bytes, sizeof note);
    if (note.n_type != NOTE_TYPE || note.n_namesz != sizeof owner ||
        memcmp(bytes + sizeof note, owner, sizeof owner) != 0 || note.n_descsz > size - text)
        return NULL;
    json_t *object_json = json_loadb(bytes + text, strnlen(bytes + text, note.n_descsz), 0, NULL);
    char *purl = object_json ? purl_of(object_json) : NULL;
    json_decref(object_json);
    return purl;
}
