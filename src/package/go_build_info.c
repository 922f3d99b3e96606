/* SPDX-License-Identifier: Apache-2.0 */
#include "package/go_build_info.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "binary/object_content.h"
#include "package/purl.h"
#include "util/cleanup.h"
#include "util/cursor.h"
#include "util/hex.h"
#include "util/memory.h"

/* The section, and each of its two texts: the longest lists have some 100 KiB. */
#define INFO_MAX (4u << 20)

#define HEADER_SIZE 32

/* The list stands between two of these, of which only the first is free of NUL bytes. */
#define SENTINEL_SIZE 16

static const char magic[] = "\xff Go buildinf:";

/* The folders of the standard library: an import path that begins with another word is not of it.
 */
static const char *const standard_folders[] = {
    "archive", "arena",   "bufio",    "builtin", "bytes",   "cmp",      "compress", "container",
    "context", "crypto",  "database", "debug",   "embed",   "encoding", "errors",   "expvar",
    "flag",    "fmt",     "go",       "hash",    "html",    "image",    "index",    "internal",
    "io",      "iter",    "log",      "maps",    "math",    "mime",     "net",      "os",
    "path",    "plugin",  "reflect",  "regexp",  "runtime", "slices",   "sort",     "strconv",
    "strings", "structs", "sync",     "syscall", "testing", "text",     "time",     "unicode",
    "unique",  "unsafe",  "vendor",   "weak",
};

/* ---- reading ---- */

/* A length as Go's encoding/binary writes it, then as many bytes: a copy of them, or NULL. */
static char *inline_text(struct rts_cursor *cursor)
{
    uint64_t length = rts_cursor_uleb(cursor);
    const uint8_t *bytes = rts_cursor_take(cursor, length);
    if (!bytes || cursor->failed)
        return NULL;
    char *text = rts_calloc(length + 1, 1);
    memcpy(text, bytes, length);
    return text;
}

/* Before Go 1.18: the address of a Go string, which is an address and a length. */
static char *pointed_text(const struct rts_object *object, const uint8_t *pointer)
{
    uint64_t address, text[2];
    memcpy(&address, pointer, sizeof address);
    RTS_FREE void *header = rts_object_data_load(object, address, sizeof text, sizeof text);
    if (!header)
        return NULL;
    memcpy(text, header, sizeof text);
    return rts_object_data_load(object, text[0], text[1], INFO_MAX);
}

/* Reads both texts; the second is NULL when there is none. */
static char *read_texts(const struct rts_object *object, char **list)
{
    size_t size;
    RTS_FREE uint8_t *bytes = rts_object_section_load(object, ".go.buildinfo", INFO_MAX, &size);
    *list = NULL;
    if (!bytes || size < HEADER_SIZE || memcmp(bytes, magic, sizeof magic - 1) != 0)
        return NULL;
    uint8_t pointer_size = bytes[14], flags = bytes[15];
    char *version = NULL;
    if (flags & 2) {
        struct rts_cursor cursor = {.at = bytes + HEADER_SIZE, .end = bytes + size};
        version = inline_text(&cursor);
        *list = version ? inline_text(&cursor) : NULL;
    } else if (pointer_size == 8 && !(flags & 1)) {
        version = pointed_text(object, bytes + 16);
        *list = version ? pointed_text(object, bytes + 24) : NULL;
    }
    return version;
}

/* "mod<tab>PATH<tab>VERSION<tab>SUM": cuts it in place; missing parts are "". */
static void cut(char *line, char *part[4])
{
    for (int i = 0; i < 4; i++) {
        part[i] = line;
        line += strcspn(line, "\t");
        if (*line)
            *line++ = '\0';
    }
}

static bool has_version(const char *version)
{
    return *version && strcmp(version, "(devel)") != 0;
}

static char *module_purl(const char *path, const char *version)
{
    struct rts_purl purl = {.type = "golang", .name = path, .version = version};
    return has_version(version) ? rts_purl_format(&purl) : NULL;
}

static void read_list(struct rts_components *components, char *list)
{
    char *rest = list;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *part[4];
        cut(line, part);
        bool is_main = strcmp(part[0], "mod") == 0;
        if (is_main && !components->main_name)
            components->main_name = rts_strdup(part[1]);
        if ((is_main || strcmp(part[0], "dep") == 0) && *part[1]) {
            rts_components_add(components, rts_strdup(part[1]), module_purl(part[1], part[2]));
        } else if (strcmp(part[0], "=>") == 0 && components->count > 0) {
            /* The code of another module, or of a folder, under this one's import path. */
            struct rts_component *replaced = &components->items[components->count - 1];
            free(replaced->purl);
            replaced->purl = module_purl(part[1], part[2]);
        }
    }
}

/* "go1.22.1", maybe with " X:…" behind; a development version is nobody's package. */
static char *standard_purl(const char *version)
{
    char number[64];
    size_t size = strcspn(version, " ");
    if (strncmp(version, "go", 2) != 0 || size < 3 || size - 2 >= sizeof number)
        return NULL;
    memcpy(number, version + 2, size - 2);
    number[size - 2] = '\0';
    struct rts_purl purl = {.type = "golang", .name = "stdlib", .version = number};
    return rts_purl_format(&purl);
}

/* ---- asking ---- */

/* The import path in a symbol's name, whose last part has its dots written as %2e: all up to the
 * first dot behind the last slash. Type arguments come later, and have slashes of their own. */
static bool import_path(const char *function, char path[PATH_MAX])
{
    size_t size = strcspn(function, "["), begin = 0, out = 0;
    for (size_t i = 0; i < size; i++)
        if (function[i] == '/')
            begin = i + 1;
    const char *dot = memchr(function + begin, '.', size - begin);
    if (!dot || dot - function >= PATH_MAX)
        return false;
    for (const char *at = function; at < dot; at++) {
        path[out] = *at;
        if (at[0] == '%' && at + 2 < dot && rts_hex_read(&path[out], at + 1, 1))
            at += 2;
        out++;
    }
    path[out] = '\0';
    return out > 0;
}

static bool is_standard(const char *path)
{
    size_t size = strcspn(path, "/");
    for (size_t i = 0; i < sizeof standard_folders / sizeof *standard_folders; i++)
        if (strlen(standard_folders[i]) == size && memcmp(standard_folders[i], path, size) == 0)
            return true;
    return false;
}

/* The purl of the innermost module around the package. */
static const char *purl_of(const struct rts_components *components, const char *function)
{
    char path[PATH_MAX];
    if (!import_path(function, path))
        return NULL;
    if (strcmp(path, "main") == 0) {
        const char *name = components->main_name;
        const struct rts_component *module =
            name ? rts_components_find(components, name, strlen(name)) : NULL;
        return module ? module->purl : NULL;
    }
    for (size_t size = strlen(path); size > 0; size--) {
        if (path[size] && path[size] != '/')
            continue;
        const struct rts_component *module = rts_components_find(components, path, size);
        if (module)
            return module->purl;
    }
    return is_standard(path) ? components->standard : NULL;
}

bool rts_go_build_info_read(const struct rts_object *object, struct rts_components *components)
{
    RTS_FREE char *list = NULL;
    RTS_FREE char *version = read_texts(object, &list);
    if (!version)
        return false;
    components->purl_of = purl_of;
    components->standard = standard_purl(version);
    /* What is read of the one behind is a last line without a known word in front. */
    if (list && strlen(list) > SENTINEL_SIZE)
        read_list(components, list + SENTINEL_SIZE);
    return true;
}
