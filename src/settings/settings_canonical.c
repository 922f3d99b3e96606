/* SPDX-License-Identifier: Apache-2.0 */
/* The settings as JSON, and the digest of that. */
#include "settings/settings_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "http/header.h"

/* What a secret is replaced by: "sha256:" and the digest of its bytes. */
static json_t *digest_of(const char *secret)
{
    uint8_t digest[RTS_SHA256_SIZE];
    char text[sizeof "sha256:" + RTS_SHA256_HEX_SIZE] = "sha256:";
    rts_sha256_bytes(secret, strlen(secret), digest);
    rts_sha256_hex(digest, text + strlen(text));
    return json_string(text);
}

static json_t *headers_value(const struct rts_header_settings *headers)
{
    if (headers->count == 0)
        return NULL;
    json_t *object = json_object();
    for (size_t i = 0; i < headers->count; i++) {
        const struct rts_header_setting *header = &headers->items[i];
        json_object_set_new(object, header->name,
                            rts_header_is_open(header->name) ? json_string(header->value)
                                                             : digest_of(header->value));
    }
    return object;
}

static json_t *list_value(const struct rts_list_setting *list)
{
    if (list->count == 0)
        return NULL;
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

/* The query of an endpoint is for a gateway on the way, and may hold its password. */
static json_t *endpoint_value(const char *endpoint)
{
    size_t length = strcspn(endpoint, "?");
    if (!endpoint[length])
        return json_string(endpoint);
    struct rts_buffer text = RTS_BUFFER_INIT;
    json_t *query = digest_of(endpoint + length + 1);
    rts_buffer_append(&text, endpoint, length + 1);
    rts_buffer_text(&text, json_string_value(query));
    json_t *value = json_string(text.data);
    json_decref(query);
    rts_buffer_finish(&text);
    return value;
}

/* NULL: there is no value. */
static json_t *value_of(const struct rts_settings *settings, const struct rts_setting *setting)
{
    const void *field = rts_setting_field_const(settings, setting);
    const char *text;
    switch (setting->type) {
    case RTS_SETTING_BOOLEAN: return json_boolean(*(const bool *)field);
    case RTS_SETTING_NUMBER: return json_integer(*(const uint32_t *)field);
    case RTS_SETTING_NUMBER64: return json_integer((json_int_t) * (const uint64_t *)field);
    case RTS_SETTING_CHOICE: return json_string(setting->choices[*(const unsigned *)field]);
    case RTS_SETTING_TEXT:
        text = *(const char *const *)field;
        if (text && field == &settings->ingest.endpoint)
            return endpoint_value(text);
        return text ? json_string(text) : NULL;
    case RTS_SETTING_LIST: return list_value(field);
    case RTS_SETTING_HEADERS: return headers_value(field);
    }
    return NULL;
}

static json_t *build_tree(const struct rts_settings *settings)
{
    size_t count;
    const struct rts_setting *table = rts_setting_table(&count);
    json_t *tree = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *value = table[i].local ? NULL : value_of(settings, &table[i]);
        if (!value)
            continue;
        const char *colon = strchr(table[i].path, ':');
        char section[32];
        snprintf(section, sizeof section, "%.*s", (int)(colon - table[i].path), table[i].path);
        if (!json_object_get(tree, section))
            json_object_set_new(tree, section, json_object());
        json_object_set_new(json_object_get(tree, section), colon + 1, value);
    }
    return tree;
}

void rts_settings_canonical(const struct rts_settings *settings, struct rts_buffer *out)
{
    json_t *tree = build_tree(settings);
    char *text = json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT);
    if (text)
        rts_buffer_text(out, text);
    free(text);
    json_decref(tree);
}

void rts_settings_sha256(const struct rts_settings *settings, char hex[RTS_SHA256_HEX_SIZE])
{
    uint8_t digest[RTS_SHA256_SIZE];
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_settings_canonical(settings, &text);
    rts_sha256_bytes(text.data, text.size, digest);
    rts_sha256_hex(digest, hex);
    rts_buffer_finish(&text);
}
