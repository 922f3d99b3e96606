/* SPDX-License-Identifier: Apache-2.0 */
/* The layer of the settings file. */
#include "settings/settings_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "util/cleanup.h"

/* Settings that are written by hand have some kilobytes; this bounds what a wrong file costs. */
#define FILE_BYTES_MAX (1u << 20)

/* Room for the path of any setting with a member; what is longer is unknown in any case. */
#define PATH_BYTES_MAX 512

struct reader {
    struct rts_settings *settings;
    const char *file;
};

/* "FILE: KEY", which messages begin with. */
struct where {
    char text[2 * PATH_BYTES_MAX];
};

static struct where where_is(const struct reader *reader, const char *path)
{
    struct where where;
    snprintf(where.text, sizeof where.text, "%s: %s", reader->file, path);
    return where;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number with a fraction or an exponent";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something unknown";
}

static int fail_type(const char *where, const json_t *value, const char *wanted,
                     struct rts_error *error)
{
    return rts_fail(error, RTS_USAGE, "%s: has to be %s, but is %s", where, wanted,
                    type_name(value));
}

static int take_number(const struct reader *reader, const struct rts_setting *setting,
                       const json_t *value, const char *where, struct rts_error *error)
{
    if (!json_is_integer(value))
        return fail_type(where, value, "a whole number", error);
    json_int_t number = json_integer_value(value);
    if (number < 0) {
        char text[32];
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, number);
        return rts_setting_set_text(reader->settings, setting, text, where, error);
    }
    return rts_setting_set_number(reader->settings, setting, (uint64_t)number, where, error);
}

static int take_list(const struct reader *reader, const struct rts_setting *setting,
                     const json_t *value, const char *where, struct rts_error *error)
{
    size_t i;
    json_t *item;
    if (!json_is_array(value))
        return fail_type(where, value, "an array of strings", error);
    /* Nothing allowed, or nothing said? The first has a key of its own. */
    if (json_array_size(value) == 0)
        return rts_fail(error, RTS_USAGE,
                        "%s: is empty; leave it out, or set Egress:Enabled to false", where);
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return fail_type(where, item, "an array of strings only", error);
        if (rts_setting_add_item(reader->settings, setting, json_string_value(item), where, error) <
            0)
            return -1;
    }
    return 0;
}

static int take_header(const struct reader *reader, const struct rts_setting *setting,
                       const char *name, const json_t *value, const char *where,
                       struct rts_error *error)
{
    if (!json_is_string(value))
        return fail_type(where, value, "a string", error);
    if (rts_setting_has_header(reader->settings, setting, name))
        return rts_fail(error, RTS_USAGE, "%s: is given twice", where);
    return rts_setting_set_header(reader->settings, setting, name, json_string_value(value), where,
                                  error);
}

static int take_headers(const struct reader *reader, const struct rts_setting *setting,
                        const json_t *value, const char *where, struct rts_error *error)
{
    const char *name;
    json_t *header;
    if (!json_is_object(value))
        return fail_type(where, value, "an object of strings", error);
    json_object_foreach((json_t *)value, name, header)
    {
        char path[PATH_BYTES_MAX];
        snprintf(path, sizeof path, "%s:%s", setting->path, name);
        struct where member = where_is(reader, path);
        if (take_header(reader, setting, name, header, member.text, error) < 0)
            return -1;
    }
    return 0;
}

static int take_setting(const struct reader *reader, const struct rts_setting *setting,
                        const json_t *value, const char *where, struct rts_error *error)
{
    /* A map may come in pieces, in which each member is looked at. */
    if (setting->type == RTS_SETTING_HEADERS)
        return take_headers(reader, setting, value, where, error);
    if (rts_setting_is_given(reader->settings, setting))
        return rts_fail(error, RTS_USAGE, "%s: is given twice", where);
    switch (setting->type) {
    case RTS_SETTING_BOOLEAN:
        if (!json_is_boolean(value))
            return fail_type(where, value, "true or false", error);
        return rts_setting_set_boolean(reader->settings, setting, json_is_true(value));
    case RTS_SETTING_NUMBER:
    case RTS_SETTING_NUMBER64: return take_number(reader, setting, value, where, error);
    case RTS_SETTING_LIST: return take_list(reader, setting, value, where, error);
    default:
        if (!json_is_string(value))
            return fail_type(where, value, "a string", error);
        return rts_setting_set_text(reader->settings, setting, json_string_value(value), where,
                                    error);
    }
}

static int take_section(const struct reader *reader, const char *section, const json_t *object,
                        struct rts_error *error);

/* One key and what it holds; sections are as deep as those of the table, which bounds this. */
static int take_key(const struct reader *reader, const char *path, const json_t *value,
                    struct rts_error *error)
{
    const char *member;
    struct where where = where_is(reader, path);
    const struct rts_setting *setting = rts_setting_find(path);
    if (setting)
        return take_setting(reader, setting, value, where.text, error);
    setting = rts_setting_find_member(path, &member);
    if (setting && setting->type == RTS_SETTING_HEADERS)
        return take_header(reader, setting, member, value, where.text, error);
    if (!rts_setting_is_section(path))
        return rts_setting_fail_unknown(where.text, path, ":", error);
    if (!json_is_object(value))
        return fail_type(where.text, value, "an object of settings", error);
    return take_section(reader, path, value, error);
}

static int take_section(const struct reader *reader, const char *section, const json_t *object,
                        struct rts_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char path[PATH_BYTES_MAX];
        snprintf(path, sizeof path, "%s%s%s", section, *section ? ":" : "", key);
        if (take_key(reader, path, value, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- the file ---- */

static int read_all(const char *path, struct rts_buffer *text, struct rts_error *error)
{
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return rts_fail(error, RTS_USAGE, "cannot read the settings in %s: %s", path,
                        strerror(errno));
    while (text->size <= FILE_BYTES_MAX) {
        char piece[16384];
        ssize_t size = read(fd, piece, sizeof piece);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return rts_fail(error, RTS_USAGE, "cannot read the settings in %s: %s", path,
                            strerror(errno));
        if (size == 0)
            return 0;
        rts_buffer_append(text, piece, (size_t)size);
    }
    return rts_fail(error, RTS_USAGE, "%s: is larger than %u bytes; these are not settings", path,
                    FILE_BYTES_MAX);
}

/* Editors of other systems begin UTF-8 with a byte order mark, or do not write UTF-8 at all. */
static int skip_byte_order_mark(const char *path, struct rts_buffer *text, struct rts_error *error)
{
    if (text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
        rts_buffer_consume(text, 3);
    if (text->size >= 2 &&
        (memcmp(text->data, "\xff\xfe", 2) == 0 || memcmp(text->data, "\xfe\xff", 2) == 0))
        return rts_fail(error, RTS_USAGE, "%s: is UTF-16; settings have to be UTF-8", path);
    return 0;
}

/* jansson repeats what it stumbled over, which may be a part of a secret: that is cut, unless it is
 * a key. */
static int fail_syntax(const char *path, json_error_t *problem, struct rts_error *error)
{
    char *near = strstr(problem->text, " near '");
    if (near && json_error_code(problem) != json_error_duplicate_key)
        *near = '\0';
    return rts_fail(error, RTS_USAGE, "%s, line %d, column %d: %s", path, problem->line,
                    problem->column, problem->text);
}

static int take_file(struct rts_settings *settings, const char *path, const json_t *root,
                     struct rts_error *error)
{
    const struct reader reader = {.settings = settings, .file = path};
    if (!json_is_object(root))
        return fail_type(path, root, "an object of sections", error);
    rts_settings_begin_layer(settings);
    int result = take_section(&reader, "", root, error);
    rts_settings_end_layer(settings);
    return result;
}

int rts_settings_load_file(struct rts_settings *settings, const char *path, struct rts_error *error)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    json_t *root = NULL;
    json_error_t problem;
    int result = read_all(path, &text, error);
    if (result == 0)
        result = skip_byte_order_mark(path, &text, error);
    if (result == 0 && text.size == 0)
        result = rts_fail(error, RTS_USAGE, "%s: is empty; the least is {}", path);
    if (result == 0) {
        /* Whatever the top is, so that take_file() can say what it should be. */
        root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
        result = root ? take_file(settings, path, root, error) : fail_syntax(path, &problem, error);
    }
    json_decref(root);
    rts_buffer_finish(&text);
    return result;
}
