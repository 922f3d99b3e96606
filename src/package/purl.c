/* SPDX-License-Identifier: Apache-2.0 */
#include "package/purl.h"

#include <stdbool.h>
#include <string.h>

struct form {
    const char *type;
    bool lower_space, lower_name;
};

static const struct form forms[] = {
    {"apk", true, true},  {"deb", true, true},  {"golang", true, true},
    {"pypi", true, true}, {"rpm", true, false}, {"npm", true, true},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(".-_~:", c));
}

static void append_encoded(struct rts_buffer *out, const char *text, bool lower_case, bool slashes)
{
    for (; *text; text++) {
        char c = lower_case ? lower(*text) : *text;
        if (is_plain(c) || (slashes && c == '/'))
            rts_buffer_append(out, &c, 1);
        else
            rts_buffer_format(out, "%%%02X", (unsigned char)c);
    }
}

static bool is_empty(const char *text)
{
    return !text || !*text;
}

static char append_qualifier(struct rts_buffer *out, char separator, const char *key,
                             const char *value)
{
    if (is_empty(value))
        return separator;
    rts_buffer_format(out, "%c%s=", separator, key);
    append_encoded(out, value, false, false);
    return '&';
}

/* PEP 503, as far as purl follows it. */
static void append_pypi_name(struct rts_buffer *out, const char *name)
{
    for (; *name; name++) {
        char c[2] = {*name == '_' ? '-' : *name, '\0'};
        append_encoded(out, c, true, false);
    }
}

char *rts_purl_format(const struct rts_purl *purl)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    struct form form = {.type = purl->type};
    if (is_empty(purl->name) || is_empty(purl->version))
        return NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].type, purl->type) == 0)
            form = forms[i];
    rts_buffer_format(&out, "pkg:%s/", purl->type);
    if (!is_empty(purl->space)) {
        append_encoded(&out, purl->space, form.lower_space, true);
        rts_buffer_text(&out, "/");
    }
    if (strcmp(purl->type, "pypi") == 0)
        append_pypi_name(&out, purl->name);
    else
        append_encoded(&out, purl->name, form.lower_name, strcmp(purl->type, "golang") == 0);
    rts_buffer_text(&out, "@");
    append_encoded(&out, purl->version, false, false);
    char separator = append_qualifier(&out, '?', "arch", purl->arch);
    separator = append_qualifier(&out, separator, "distro", purl->distro);
    if (!is_empty(purl->epoch) && strcmp(purl->epoch, "0") != 0)
        append_qualifier(&out, separator, "epoch", purl->epoch);
    if (out.size > RTS_PURL_MAX)
        rts_buffer_finish(&out);
    return out.data;
}
