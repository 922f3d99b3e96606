/* SPDX-License-Identifier: Apache-2.0 */
/* The layer of the environment. */
#include "settings/settings_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/memory.h"

/* "environment: NAME", which messages begin with; a longer name is cut. */
struct where {
    char text[256];
};

static struct where where_is(const char *name)
{
    struct where where;
    snprintf(where.text, sizeof where.text, "environment: %s", name);
    return where;
}

/* Is the part before the first "__" one of our sections? */
static bool is_ours(const char *name)
{
    const char *end = strstr(name, "__");
    if (!end || end == name)
        return false;
    RTS_FREE char *section = strndup(name, (size_t)(end - name));
    return section && !strchr(section, ':') && rts_setting_is_section(section);
}

/* "Sampler__Ratio" as "Sampler:Ratio". The caller frees it. */
static char *path_of(const char *name)
{
    char *path = rts_strdup(name), *to = path;
    for (const char *from = name; *from;) {
        bool separator = from[0] == '_' && from[1] == '_';
        *to++ = separator ? ':' : *from;
        from += separator ? 2 : 1;
    }
    *to = '\0';
    return path;
}

/* The value of the variable of this name in any case; NULL when it is absent or empty. */
static const char *look_up(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncasecmp(*environment, name, length) == 0 && (*environment)[length] == '=' &&
            (*environment)[length + 1])
            return *environment + length + 1;
    return NULL;
}

/* The entries of a list have their numbers behind its name, counted from 0. */
static int take_list(struct rts_settings *settings, const struct rts_setting *setting,
                     char *const *environment, struct rts_error *error)
{
    const char *colon = strchr(setting->path, ':');
    for (unsigned i = 0;; i++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s__%s__%u", (int)(colon - setting->path), setting->path,
                 colon + 1, i);
        const char *item = look_up(environment, name);
        if (!item)
            return 0;
        if (rts_setting_add_item(settings, setting, item, where_is(name).text, error) < 0)
            return -1;
    }
}

static int take_lists(struct rts_settings *settings, char *const *environment,
                      struct rts_error *error)
{
    size_t count;
    const struct rts_setting *table = rts_setting_table(&count);
    for (size_t i = 0; i < count; i++)
        if (table[i].type == RTS_SETTING_LIST &&
            take_list(settings, &table[i], environment, error) < 0)
            return -1;
    return 0;
}

/* Was this entry taken by take_list()? */
static bool is_taken(const struct rts_settings *settings, const struct rts_setting *setting,
                     const char *member)
{
    const struct rts_list_setting *list = rts_setting_field_const(settings, setting);
    char *end;
    unsigned long number = strtoul(member, &end, 10);
    return rts_setting_is_given(settings, setting) && member[0] >= '0' && member[0] <= '9' &&
           !*end && number < list->count;
}

static int take_member(struct rts_settings *settings, const struct rts_setting *setting,
                       const char *member, const char *value, const char *where,
                       struct rts_error *error)
{
    if (setting->type == RTS_SETTING_LIST)
        return is_taken(settings, setting, member)
                   ? 0
                   : rts_fail(error, RTS_USAGE,
                              "%s: the entries of a list are counted from 0 without a gap", where);
    if (rts_setting_has_header(settings, setting, member))
        return rts_fail(error, RTS_USAGE, "%s: is given twice", where);
    return rts_setting_set_header(settings, setting, member, value, where, error);
}

static int take_variable(struct rts_settings *settings, const char *name, const char *value,
                         struct rts_error *error)
{
    RTS_FREE char *path = path_of(name);
    const char *member;
    struct where where = where_is(name);
    const struct rts_setting *setting = rts_setting_find_member(path, &member);
    if (setting)
        return take_member(settings, setting, member, value, where.text, error);
    setting = rts_setting_find(path);
    if (!setting)
        return rts_setting_fail_unknown(where.text, path, "__", error);
    if (setting->type == RTS_SETTING_HEADERS)
        return rts_fail(error, RTS_USAGE, "%s: the name of the header is missing: %s__NAME",
                        where.text, name);
    if (rts_setting_is_given(settings, setting))
        return rts_fail(error, RTS_USAGE, "%s: is given twice, perhaps in another case",
                        where.text);
    return rts_setting_set_text(settings, setting, value, where.text, error);
}

static int take_variables(struct rts_settings *settings, char *const *environment,
                          struct rts_error *error)
{
    for (; *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || !equals[1] || !is_ours(*environment))
            continue;
        RTS_FREE char *name = rts_strdup(*environment);
        name[equals - *environment] = '\0';
        /* "__" may also be in the value only. */
        if (is_ours(name) && take_variable(settings, name, equals + 1, error) < 0)
            return -1;
    }
    return 0;
}

int rts_settings_load_environment(struct rts_settings *settings, char *const *environment,
                                  struct rts_error *error)
{
    rts_settings_begin_layer(settings);
    int result = take_lists(settings, environment, error);
    if (result == 0)
        result = take_variables(settings, environment, error);
    rts_settings_end_layer(settings);
    return result;
}
