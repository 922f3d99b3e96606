/* SPDX-License-Identifier: Apache-2.0 */
#include "package/language_package.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "package/line_reader.h"
#include "package/purl.h"
#include "util/buffer.h"
#include "util/cleanup.h"

/* Entries of one folder of Python packages that are looked at. */
#define ENTRIES_MAX 20000

/* A package.json of more is none. */
#define JSON_MAX (1 << 20)

/* Names and versions are short. */
#define WORD_SIZE 256

/* ---- Python ---- */

static void take_field(const char *line, const char *field, char value[WORD_SIZE])
{
    size_t size = strlen(field);
    if (!*value && strncasecmp(line, field, size) == 0)
        snprintf(value, WORD_SIZE, "%s", line + size + strspn(line + size, " "));
}

/* Is `path`, relative to the folder around, in this RECORD? Its lines are "path,digest,size". */
static bool is_recorded(struct rts_reading *reading, const char *record, const char *path)
{
    struct rts_line_reader *reader = rts_line_reader_open(reading, record, 0);
    size_t size = strlen(path);
    const char *line;
    bool found = false;
    while (reader && !found && (line = rts_line_reader_next(reader)))
        found = strncmp(line, path, size) == 0 && line[size] == ',';
    rts_line_reader_close(reader);
    return found;
}

static char *metadata_purl(struct rts_reading *reading, const char *metadata)
{
    struct rts_line_reader *reader = rts_line_reader_open(reading, metadata, 0);
    char name[WORD_SIZE] = "", version[WORD_SIZE] = "";
    const char *line;
    /* Its head ends with an empty line. */
    while (reader && (line = rts_line_reader_next(reader)) && *line) {
        take_field(line, "Name:", name);
        take_field(line, "Version:", version);
    }
    rts_line_reader_close(reader);
    struct rts_purl purl = {.type = "pypi", .name = name, .version = version};
    return rts_purl_format(&purl);
}

static char *search_distributions(struct rts_reading *reading, const char *folder,
                                  const struct rts_buffer *entries, const char *path)
{
    char name[PATH_MAX];
    for (const char *entry = NULL; (entry = rts_tree_next_name(entries, entry));) {
        const char *dot = strrchr(entry, '.');
        if (!dot || strcmp(dot, ".dist-info") != 0)
            continue;
        int size = snprintf(name, sizeof name, "%s%s/METADATA", folder, entry);
        if (size < 0 || (size_t)size >= sizeof name)
            continue;
        char *base = strrchr(name, '/') + 1;
        strcpy(base, "RECORD");
        if (!is_recorded(reading, name, path))
            continue;
        strcpy(base, "METADATA");
        return metadata_purl(reading, name);
    }
    return NULL;
}

static char *python_purl(struct rts_reading *reading, const char *path)
{
    static const char *const folders[] = {"/site-packages/", "/dist-packages/"};
    char folder[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *at = strstr(path, folders[i]);
        size_t size = at ? (size_t)(at - path) + strlen(folders[i]) : 0;
        if (size == 0 || size >= sizeof folder)
            continue;
        memcpy(folder, path, size);
        folder[size] = '\0';
        struct rts_buffer entries = RTS_BUFFER_INIT;
        char *purl = NULL;
        bool listed = rts_tree_list(&reading->tree, folder, ENTRIES_MAX, &entries) >= 0;
        if (listed)
            purl = search_distributions(reading, folder, &entries, path + size);
        rts_buffer_finish(&entries);
        if (listed)
            return purl;
    }
    return NULL;
}

/* ---- Node ---- */

/* The whole file, and no more than JSON_MAX of it however it grows meanwhile; NULL when it has
 * more. To be freed. */
static char *read_text(struct rts_reading *reading, int fd, size_t *size)
{
    char *text = malloc(JSON_MAX + 1);
    ssize_t length = 1;
    *size = 0;
    while (text && length > 0 && *size <= JSON_MAX) {
        length = pread(fd, text + *size, JSON_MAX + 1 - *size, (off_t)*size);
        if (length > 0 && !rts_reading_take(reading, (size_t)length))
            length = -1;
        *size += length > 0 ? (size_t)length : 0;
    }
    if (length == 0 && *size <= JSON_MAX)
        return text;
    free(text);
    return NULL;
}

static char *json_purl(struct rts_reading *reading, const char *path)
{
    RTS_CLOSE int fd = rts_tree_open(&reading->tree, path);
    size_t size;
    RTS_FREE char *text = fd < 0 ? NULL : read_text(reading, fd, &size);
    json_t *object = text ? json_loadb(text, size, 0, NULL) : NULL;
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *version = json_string_value(json_object_get(object, "version"));
    char *purl = NULL;
    if (name && version) {
        const char *slash = name[0] == '@' ? strchr(name, '/') : NULL;
        char scope[WORD_SIZE] = "";
        if (slash && (size_t)(slash - name) < sizeof scope)
            memcpy(scope, name, (size_t)(slash - name));
        struct rts_purl parts = {
            .type = "npm",
            .space = scope,
            .name = slash ? slash + 1 : name,
            .version = version,
        };
        purl = rts_purl_format(&parts);
    }
    json_decref(object);
    return purl;
}

/* The nearest package.json that names a package, not further up than the packages' folder. */
static char *node_purl(struct rts_reading *reading, const char *path)
{
    char name[PATH_MAX + sizeof "/package.json"];
    size_t size = strlen(path);
    if (size < 5 || size >= PATH_MAX || strcmp(path + size - 5, ".node") != 0)
        return NULL;
    strcpy(name, path);
    for (char *slash; (slash = strrchr(name, '/')) && slash != name;) {
        *slash = '\0';
        const char *base = strrchr(name, '/');
        if (base && strcmp(base, "/node_modules") == 0)
            return NULL;
        strcpy(slash, "/package.json");
        char *purl = json_purl(reading, name);
        if (purl)
            return purl;
        *slash = '\0';
    }
    return NULL;
}

char *rts_language_package_purl(struct rts_reading *reading, const char *path)
{
    char *purl = python_purl(reading, path);
    return purl ? purl : node_purl(reading, path);
}
