/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/url.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/memory.h"

/* What one id may hold: it stands in a query and in a header. */
#define VALUE_MAX 1000

#define STRUCTURED_END "/runtime-facts"
#define NDJSON_END     "/runtime-facts/ndjson"

static const struct {
    const char *name;   /* in the query and in a structured subject */
    const char *header; /* NULL: it has none */
    bool in_query;
    bool in_subject;
} parameters[RTS_PARAMETERS] = {
    [RTS_PARAMETER_CALLGRAPH_ID] = {"callgraphId", "X-Callgraph-Id", true, false},
    [RTS_PARAMETER_SCAN_ID] = {"scanId", NULL, true, true},
    [RTS_PARAMETER_IMAGE_DIGEST] = {"imageDigest", NULL, true, true},
    [RTS_PARAMETER_COMPONENT] = {"component", NULL, true, true},
    [RTS_PARAMETER_VERSION] = {"version", NULL, true, true},
    [RTS_PARAMETER_SOURCE] = {"source", NULL, true, false},
    [RTS_PARAMETER_ANALYSIS_ID] = {"analysisId", "X-Analysis-Id", false, false},
};

/* The value of each parameter, wherever it was given; owned, NULL when nowhere. */
struct values {
    char *text[RTS_PARAMETERS];
};

static void finish_values(struct values *values)
{
    for (size_t i = 0; i < RTS_PARAMETERS; i++)
        free(values->text[i]);
}

static int take_value(struct values *values, size_t which, const char *text,
                      struct rts_error *error)
{
    if (!text || !*text)
        return 0;
    const char *name = parameters[which].name;
    if (values->text[which] && strcmp(values->text[which], text) != 0)
        return rts_fail(error, RTS_USAGE, "%s is given twice: \"%s\" and \"%s\"", name,
                        values->text[which], text);
    if (values->text[which])
        return 0;
    if (strlen(text) > VALUE_MAX)
        return rts_fail(error, RTS_USAGE, "%s has more than %d bytes", name, VALUE_MAX);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < ' ' || *at == 0x7f || (parameters[which].header && *at > 0x7f))
            return rts_fail(error, RTS_USAGE, "%s has characters that cannot be sent", name);
    values->text[which] = rts_strdup(text);
    return 0;
}

static int gather_values(struct values *values, const struct rts_endpoint_options *options,
                         const struct rts_url *url, struct rts_error *error)
{
    for (size_t i = 0; i < RTS_PARAMETERS; i++) {
        if (take_value(values, i, options->parameters[i], error) < 0)
            return -1;
        if (parameters[i].in_query) {
            RTS_FREE char *text = rts_url_query_value(url->query, parameters[i].name);
            if (take_value(values, i, text, error) < 0)
                return -1;
        }
        if (parameters[i].header &&
            take_value(
                values, i,
                rts_header_find(options->headers, options->header_count, parameters[i].header),
                error) < 0)
            return -1;
    }
    if (!values->text[RTS_PARAMETER_CALLGRAPH_ID] && !options->drain_only && !options->no_facts)
        return rts_fail(error, RTS_USAGE, "callgraphId is required: give --callgraph-id");
    return 0;
}

static bool is_own_parameter(const char *at, size_t length)
{
    for (size_t i = 0; i < RTS_PARAMETERS; i++) {
        size_t name_length = strlen(parameters[i].name);
        if (parameters[i].in_query && length >= name_length &&
            (length == name_length || at[name_length] == '=') &&
            strncasecmp(at, parameters[i].name, name_length) == 0)
            return true;
    }
    return false;
}

/* What the query has beside our parameters, as it is. */
static char *extra_query(const char *query)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, "");
    while (*query) {
        size_t length = strcspn(query, "&");
        if (length > 0 && !is_own_parameter(query, length)) {
            rts_buffer_text(&text, text.size ? "&" : "");
            rts_buffer_append(&text, query, length);
        }
        query += length + (query[length] == '&');
    }
    return text.data;
}

static bool is_own_header(const char *name)
{
    for (size_t i = 0; i < RTS_PARAMETERS; i++)
        if (parameters[i].header && strcasecmp(parameters[i].header, name) == 0)
            return true;
    return false;
}

static void append_query(struct rts_buffer *text, const struct values *values)
{
    const char *separator = "";
    for (size_t i = 0; i < RTS_PARAMETERS; i++) {
        if (!parameters[i].in_query || !values->text[i])
            continue;
        rts_buffer_format(text, "%s%s=", separator, parameters[i].name);
        rts_url_encode(text, values->text[i]);
        separator = "&";
    }
}

static char *make_envelope(const struct rts_endpoint *endpoint,
                           const struct rts_endpoint_options *options, const struct values *values)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_format(&text, "path: %s\nquery: ", endpoint->path);
    append_query(&text, values);
    rts_buffer_text(&text, "\n");
    for (size_t i = 0; i < RTS_PARAMETERS; i++)
        if (parameters[i].header && values->text[i])
            rts_buffer_format(&text, "header: %s: %s\n", parameters[i].header, values->text[i]);
    for (size_t i = 0; i < options->header_count; i++) {
        const struct rts_header *header = &options->headers[i];
        if (is_own_header(header->name))
            continue;
        if (rts_header_is_open(header->name))
            rts_buffer_format(&text, "header: %s: %s\n", header->name, header->value);
        else
            rts_buffer_format(&text, "withheld: %s\n", header->name);
    }
    return text.data;
}

static char *make_structured_head(const struct values *values)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    const char *separator = "";
    rts_buffer_text(&text, "{\"subject\":{");
    for (size_t i = 0; i < RTS_PARAMETERS; i++) {
        if (!parameters[i].in_subject || !values->text[i])
            continue;
        rts_buffer_format(&text, "%s\"%s\":", separator, parameters[i].name);
        rts_json_string(&text, values->text[i]);
        separator = ",";
    }
    rts_buffer_text(&text, "},\"callgraphId\":");
    rts_json_string(&text, values->text[RTS_PARAMETER_CALLGRAPH_ID]);
    rts_buffer_text(&text, ",\"events\":[");
    return text.data;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

/* The sibling of one of Signals' two paths; any other path takes both forms. */
static char *make_other_path(const char *path)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (ends_with(path, NDJSON_END)) {
        rts_buffer_append(&text, path, strlen(path) - strlen("/ndjson"));
    } else {
        rts_buffer_text(&text, path);
        rts_buffer_text(&text, ends_with(path, STRUCTURED_END) ? "/ndjson" : "");
    }
    return text.data;
}

static int check_options(const struct rts_endpoint_options *options, const struct rts_url *url,
                         struct rts_error *error)
{
    bool allowed = options->allowed_host_count == 0;
    for (size_t i = 0; i < options->allowed_host_count; i++)
        allowed = allowed || rts_url_is_at(url, options->allowed_hosts[i]);
    if (!allowed)
        return rts_fail(error, RTS_USAGE, "endpoint %s://%s:%s is not among Egress:AllowedHosts",
                        url->scheme, url->host, url->port);
    for (size_t i = 0; i < options->header_count; i++)
        if (rts_header_check(&options->headers[i], error) < 0)
            return -1;
    return 0;
}

static void keep_withheld(struct rts_endpoint *endpoint, const struct rts_endpoint_options *options)
{
    endpoint->withheld = rts_calloc(options->header_count, sizeof *endpoint->withheld);
    for (size_t i = 0; i < options->header_count; i++) {
        const struct rts_header *header = &options->headers[i];
        if (rts_header_is_open(header->name))
            continue;
        endpoint->withheld[endpoint->withheld_count++] =
            (struct rts_header){rts_strdup(header->name), rts_strdup(header->value)};
    }
}

static void fill(struct rts_endpoint *endpoint, const struct rts_endpoint_options *options,
                 const struct rts_url *url, const struct values *values)
{
    struct rts_buffer origin = RTS_BUFFER_INIT;
    rts_buffer_format(&origin, "%s://%s:%s", url->scheme, url->host, url->port);
    *endpoint = (struct rts_endpoint){
        .origin = origin.data,
        .plain = strcmp(url->scheme, "http") == 0,
        .structured =
            options->format == RTS_BODY_STRUCTURED ||
            (options->format == RTS_BODY_AUTO &&
             (ends_with(url->path, STRUCTURED_END) || ends_with(url->path, STRUCTURED_END "/"))),
        .path = rts_strdup(url->path),
        .extra_query = extra_query(url->query),
    };
    /* Who names the format means the path as it is. */
    endpoint->other_path =
        options->format == RTS_BODY_AUTO ? make_other_path(url->path) : rts_strdup(url->path);
    if (!options->drain_only) {
        endpoint->envelope = make_envelope(endpoint, options, values);
        if (endpoint->structured)
            endpoint->structured_head = make_structured_head(values);
    }
    keep_withheld(endpoint, options);
}

int rts_endpoint_init(struct rts_endpoint *endpoint, const struct rts_endpoint_options *options,
                      struct rts_error *error)
{
    struct rts_url url;
    struct values values = {{0}};
    if (rts_url_parse(&url, options->url, error) < 0)
        return -1;
    int result = check_options(options, &url, error);
    if (result == 0)
        result = gather_values(&values, options, &url, error);
    if (result == 0)
        fill(endpoint, options, &url, &values);
    finish_values(&values);
    rts_url_finish(&url);
    return result;
}

void rts_endpoint_finish(struct rts_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->withheld_count; i++) {
        free((char *)endpoint->withheld[i].name);
        free((char *)endpoint->withheld[i].value);
    }
    free(endpoint->withheld);
    free(endpoint->origin);
    free(endpoint->path);
    free(endpoint->other_path);
    free(endpoint->extra_query);
    free(endpoint->envelope);
    free(endpoint->structured_head);
    *endpoint = (struct rts_endpoint){0};
}

const char *rts_endpoint_path(const struct rts_endpoint *endpoint, bool structured)
{
    return structured == endpoint->structured ? endpoint->path : endpoint->other_path;
}

bool rts_envelope_next(const char **at, const char *key, char **value)
{
    size_t key_length = strlen(key);
    while (**at) {
        const char *line = *at;
        size_t length = strcspn(line, "\n");
        *at += length + (line[length] == '\n');
        if (length >= key_length && strncmp(line, key, key_length) == 0) {
            *value = rts_calloc(length - key_length + 1, 1);
            memcpy(*value, line + key_length, length - key_length);
            return true;
        }
    }
    return false;
}
