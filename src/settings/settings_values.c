/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a setting: what is allowed, and what is said otherwise. */
#include "settings/settings_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "http/header.h"
#include "util/cleanup.h"
#include "util/memory.h"

/* More than an id or a path has. */
#define TEXT_MAX 4096

/* Far more than anyone lists by hand; every request carries all headers. */
#define ITEMS_MAX 64

/* How much of a wrong value a message repeats. */
#define SHOWN_MAX 60

_Static_assert(sizeof(enum rts_call_graph) == sizeof(unsigned), "choices are written as unsigned");
_Static_assert(sizeof(enum rts_unwind_by) == sizeof(unsigned), "choices are written as unsigned");
_Static_assert(sizeof(enum rts_method) == sizeof(unsigned), "choices are written as unsigned");
_Static_assert(sizeof(enum rts_ingest_format) == sizeof(unsigned),
               "choices are written as unsigned");

/* The beginning of a wrong value. */
struct shown {
    char text[SHOWN_MAX + 4];
};

static struct shown show(const char *value)
{
    struct shown shown;
    size_t length = strnlen(value, SHOWN_MAX);
    snprintf(shown.text, sizeof shown.text, "%.*s%s", (int)length, value,
             value[length] ? "..." : "");
    return shown;
}

static uint64_t bit(const struct rts_setting *setting)
{
    size_t count;
    return 1ULL << (setting - rts_setting_table(&count));
}

static void mark(struct rts_settings *settings, const struct rts_setting *setting)
{
    settings->given |= bit(setting);
    settings->told |= bit(setting);
}

bool rts_settings_is_told(const struct rts_settings *settings, const char *path)
{
    const struct rts_setting *setting = rts_setting_find(path);
    return setting && settings->told & bit(setting);
}

bool rts_setting_is_given(const struct rts_settings *settings, const struct rts_setting *setting)
{
    return settings->given & bit(setting);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    bool valid = string != NULL;
    json_decref(string);
    return valid;
}

/* ---- plain values ---- */

int rts_setting_set_boolean(struct rts_settings *settings, const struct rts_setting *setting,
                            bool value)
{
    *(bool *)rts_setting_field(settings, setting) = value;
    mark(settings, setting);
    return 0;
}

static int fail_number(const struct rts_setting *setting, const char *text, const char *where,
                       struct rts_error *error)
{
    return rts_fail(
        error, RTS_USAGE, "%s: \"%s\" is not %sa whole number from %" PRIu64 " to %" PRIu64, where,
        show(text).text, setting->zero_too ? "0 or " : "", setting->minimum, setting->maximum);
}

int rts_setting_set_number(struct rts_settings *settings, const struct rts_setting *setting,
                           uint64_t number, const char *where, struct rts_error *error)
{
    if ((number < setting->minimum || number > setting->maximum) &&
        !(setting->zero_too && number == 0)) {
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, number);
        return fail_number(setting, text, where, error);
    }
    if (setting->step)
        number = (number + setting->step - 1) / setting->step * setting->step;
    void *field = rts_setting_field(settings, setting);
    if (setting->type == RTS_SETTING_NUMBER)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(uint64_t *)field = number;
    mark(settings, setting);
    return 0;
}

static int set_number_text(struct rts_settings *settings, const struct rts_setting *setting,
                           const char *text, const char *where, struct rts_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    /* strtoull() takes blanks and signs, and makes a large number of "-1". */
    if (errno || *end || text[0] < '0' || text[0] > '9')
        return fail_number(setting, text, where, error);
    return rts_setting_set_number(settings, setting, number, where, error);
}

static int set_boolean_text(struct rts_settings *settings, const struct rts_setting *setting,
                            const char *text, const char *where, struct rts_error *error)
{
    if (strcasecmp(text, "true") == 0)
        return rts_setting_set_boolean(settings, setting, true);
    if (strcasecmp(text, "false") == 0)
        return rts_setting_set_boolean(settings, setting, false);
    return rts_fail(error, RTS_USAGE, "%s: \"%s\" is not true or false", where, show(text).text);
}

static int set_choice(struct rts_settings *settings, const struct rts_setting *setting,
                      const char *text, const char *where, struct rts_error *error)
{
    struct rts_buffer words = RTS_BUFFER_INIT;
    for (unsigned i = 0; setting->choices[i]; i++) {
        if (strcmp(setting->choices[i], text) == 0) {
            *(unsigned *)rts_setting_field(settings, setting) = i;
            mark(settings, setting);
            rts_buffer_finish(&words);
            return 0;
        }
        rts_buffer_format(&words, "%s%s", i ? ", " : "", setting->choices[i]);
    }
    rts_fail(error, RTS_USAGE, "%s: \"%s\" is not one of: %s", where, show(text).text, words.data);
    rts_buffer_finish(&words);
    return -1;
}

static int set_plain_text(struct rts_settings *settings, const struct rts_setting *setting,
                          const char *text, const char *where, struct rts_error *error)
{
    if (!*text)
        return rts_fail(error, RTS_USAGE, "%s: is empty; leave it out instead", where);
    if (strlen(text) > TEXT_MAX)
        return rts_fail(error, RTS_USAGE, "%s: is longer than %d bytes", where, TEXT_MAX);
    /* Ids become headers and parts of the request; a path may be what the file system allows. */
    if (!setting->local && (has_control(text) || !is_utf8(text)))
        return rts_fail(error, RTS_USAGE, "%s: has control characters, or bytes that are not UTF-8",
                        where);
    char **field = rts_setting_field(settings, setting);
    free(*field);
    *field = rts_strdup(text);
    mark(settings, setting);
    return 0;
}

/* ---- lists ---- */

/* Host names and addresses, perhaps with a port: no URL, no pattern. */
static bool is_host(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_:[]";
    size_t length = strnlen(text, 256);
    return length > 0 && length < 256 && text[strspn(text, allowed)] == '\0';
}

static void clear_list(struct rts_list_setting *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct rts_list_setting){0};
}

int rts_setting_add_item(struct rts_settings *settings, const struct rts_setting *setting,
                         const char *item, const char *where, struct rts_error *error)
{
    struct rts_list_setting *list = rts_setting_field(settings, setting);
    if (!is_host(item))
        return rts_fail(error, RTS_USAGE, "%s: \"%s\" is not the name or address of a host", where,
                        show(item).text);
    if (!rts_setting_is_given(settings, setting))
        clear_list(list);
    if (list->count == ITEMS_MAX)
        return rts_fail(error, RTS_USAGE, "%s: has more than %d entries", where, ITEMS_MAX);
    list->items = rts_realloc_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = rts_strdup(item);
    mark(settings, setting);
    return 0;
}

static int set_list_text(struct rts_settings *settings, const struct rts_setting *setting,
                         const char *text, const char *where, struct rts_error *error)
{
    RTS_FREE char *copy = rts_strdup(text);
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ","));)
        if (rts_setting_add_item(settings, setting, item, where, error) < 0)
            return -1;
    return 0;
}

/* ---- headers ---- */

static size_t find_header(const struct rts_header_settings *headers, const char *name)
{
    size_t i = 0;
    while (i < headers->count && strcasecmp(headers->items[i].name, name) != 0)
        i++;
    return i;
}

bool rts_setting_has_header(const struct rts_settings *settings, const struct rts_setting *setting,
                            const char *name)
{
    const struct rts_header_settings *headers = rts_setting_field_const(settings, setting);
    size_t i = find_header(headers, name);
    return i < headers->count && headers->items[i].given;
}

int rts_setting_set_header(struct rts_settings *settings, const struct rts_setting *setting,
                           const char *name, const char *value, const char *where,
                           struct rts_error *error)
{
    struct rts_header_settings *headers = rts_setting_field(settings, setting);
    struct rts_error reason;
    if (rts_header_check(&(struct rts_header){.name = name, .value = value}, &reason) < 0)
        return rts_fail(error, RTS_USAGE, "%s: %s", where, reason.text);
    size_t i = find_header(headers, name);
    if (i == ITEMS_MAX)
        return rts_fail(error, RTS_USAGE, "%s: there are more than %d headers", where, ITEMS_MAX);
    if (i == headers->count) {
        headers->items = rts_realloc_array(headers->items, i + 1, sizeof *headers->items);
        headers->items[headers->count++] = (struct rts_header_setting){0};
    }
    free(headers->items[i].name);
    free(headers->items[i].value);
    headers->items[i].name = rts_strdup(name);
    headers->items[i].value = rts_strdup(value);
    headers->items[i].given = true;
    mark(settings, setting);
    return 0;
}

static int set_header_text(struct rts_settings *settings, const struct rts_setting *setting,
                           const char *text, const char *where, struct rts_error *error)
{
    RTS_FREE char *name = rts_strdup(text);
    char *value = strchr(name, ':');
    if (!value)
        return rts_fail(error, RTS_USAGE, "%s: a header has the form \"Name: value\"", where);
    *value++ = '\0';
    value += strspn(value, " \t");
    for (size_t length = strlen(value); length > 0 && strchr(" \t", value[length - 1]);)
        value[--length] = '\0';
    return rts_setting_set_header(settings, setting, name, value, where, error);
}

int rts_setting_set_text(struct rts_settings *settings, const struct rts_setting *setting,
                         const char *text, const char *where, struct rts_error *error)
{
    switch (setting->type) {
    case RTS_SETTING_BOOLEAN: return set_boolean_text(settings, setting, text, where, error);
    case RTS_SETTING_NUMBER:
    case RTS_SETTING_NUMBER64: return set_number_text(settings, setting, text, where, error);
    case RTS_SETTING_CHOICE: return set_choice(settings, setting, text, where, error);
    case RTS_SETTING_TEXT: return set_plain_text(settings, setting, text, where, error);
    case RTS_SETTING_LIST: return set_list_text(settings, setting, text, where, error);
    case RTS_SETTING_HEADERS: return set_header_text(settings, setting, text, where, error);
    }
    return rts_fail(error, RTS_FAILED, "%s: unknown type of setting", where);
}

int rts_setting_fail_unknown(const char *where, const char *path, const char *separator,
                             struct rts_error *error)
{
    char nearest[RTS_SETTING_PATH_SIZE];
    rts_setting_nearest(path, nearest);
    size_t section = strcspn(nearest, ":");
    bool has_name = nearest[section] != '\0';
    return rts_fail(error, RTS_USAGE, "%s: is not a setting; the nearest one is %.*s%s%s", where,
                    (int)section, nearest, has_name ? separator : "",
                    has_name ? nearest + section + 1 : "");
}
