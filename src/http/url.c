/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/curl_library.h"
#include "util/cleanup.h"
#include "util/hex.h"
#include "util/memory.h"

/* Longer ones are refused by servers. */
#define URL_MAX 8000

struct parsed {
    struct rts_curl curl;
    CURLU *handle;
};

/* A part as a text of our own; `absent` when the URL does not have it. */
static char *part(const struct parsed *parsed, CURLUPart which, const char *absent, unsigned flags)
{
    char *text = NULL;
    if (parsed->curl.url_get(parsed->handle, which, &text, flags) != CURLUE_OK || !text)
        return absent ? rts_strdup(absent) : NULL;
    char *copy = rts_strdup(text);
    parsed->curl.free(text);
    return copy;
}

static bool is_given(const struct parsed *parsed, CURLUPart which)
{
    RTS_FREE char *text = part(parsed, which, NULL, 0);
    return text != NULL;
}

static bool is_clean(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '<' || *text == '>')
            return false;
    return true;
}

static int check(const struct rts_url *url, const struct parsed *parsed, struct rts_error *error)
{
    if (is_given(parsed, CURLUPART_USER) || is_given(parsed, CURLUPART_PASSWORD))
        return rts_fail(error, RTS_USAGE,
                        "endpoint %s://…@%s: an address must not hold a user or a password; give a "
                        "token file instead",
                        url->scheme, url->host);
    if (is_given(parsed, CURLUPART_FRAGMENT))
        return rts_fail(error, RTS_USAGE, "endpoint %s://%s: an address to send to has no \"#\"",
                        url->scheme, url->host);
    if (strcmp(url->scheme, "https") != 0 && strcmp(url->scheme, "http") != 0)
        return rts_fail(error, RTS_USAGE, "endpoint %s://%s: it must be https", url->scheme,
                        url->host);
    if (strcmp(url->scheme, "http") == 0 && !rts_url_is_loopback(url))
        return rts_fail(error, RTS_USAGE,
                        "endpoint http://%s: it must be https; plain http is for this machine "
                        "itself (127.0.0.1, ::1, localhost) only",
                        url->host);
    return 0;
}

static int take_parts(struct rts_url *url, const struct parsed *parsed, const char *text,
                      struct rts_error *error)
{
    if (!*text || strlen(text) > URL_MAX || !is_clean(text) || !parsed->handle ||
        parsed->curl.url_set(parsed->handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) !=
            CURLUE_OK)
        return rts_fail(error, RTS_USAGE,
                        "the endpoint is not an address such as "
                        "https://signals.example/signals/runtime-facts/ndjson");
    url->scheme = part(parsed, CURLUPART_SCHEME, "", 0);
    url->host = part(parsed, CURLUPART_HOST, "", 0);
    url->port = part(parsed, CURLUPART_PORT, "0", CURLU_DEFAULT_PORT);
    url->path = part(parsed, CURLUPART_PATH, "/", 0);
    url->query = part(parsed, CURLUPART_QUERY, "", 0);
    for (char *at = url->host; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    size_t length = strlen(url->host);
    if (length > 1 && url->host[length - 1] == '.')
        url->host[length - 1] = '\0';
    return check(url, parsed, error);
}

int rts_url_parse(struct rts_url *url, const char *text, struct rts_error *error)
{
    struct parsed parsed = {0};
    *url = (struct rts_url){0};
    if (rts_curl_open(&parsed.curl, error) < 0)
        return -1;
    parsed.handle = parsed.curl.url();
    int result = take_parts(url, &parsed, text, error);
    parsed.curl.url_cleanup(parsed.handle);
    rts_curl_close(&parsed.curl);
    if (result < 0)
        rts_url_finish(url);
    return result;
}

void rts_url_finish(struct rts_url *url)
{
    free(url->scheme);
    free(url->host);
    free(url->port);
    free(url->path);
    free(url->query);
    *url = (struct rts_url){0};
}

bool rts_url_is_loopback(const struct rts_url *url)
{
    struct in_addr address;
    return strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0 ||
           (inet_pton(AF_INET, url->host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

bool rts_url_is_at(const struct rts_url *url, const char *entry)
{
    char with_port[URL_MAX + 16];
    size_t length = strlen(url->host);
    if (strcasecmp(entry, url->host) == 0)
        return true;
    if (length > 2 && url->host[0] == '[' && strlen(entry) == length - 2 &&
        strncasecmp(entry, url->host + 1, length - 2) == 0)
        return true;
    snprintf(with_port, sizeof with_port, "%s:%s", url->host, url->port);
    return strcasecmp(entry, with_port) == 0;
}

void rts_url_encode(struct rts_buffer *buffer, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    for (; *text; text++) {
        if (strchr(unreserved, *text))
            rts_buffer_append(buffer, text, 1);
        else
            rts_buffer_format(buffer, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

/* A text that decodes to a NUL ends there: no value of ours has one. */
static char *decode(const char *text, size_t size)
{
    char *decoded = rts_calloc(size + 1, 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char byte = text[i] == '+' ? ' ' : text[i];
        if (byte == '%' && size - i > 2 && rts_hex_read(&byte, text + i + 1, 1))
            i += 2;
        decoded[length++] = byte;
    }
    return decoded;
}

char *rts_url_query_value(const char *query, const char *name)
{
    size_t name_length = strlen(name);
    while (*query) {
        size_t length = strcspn(query, "&");
        if (length > name_length && query[name_length] == '=' &&
            strncasecmp(query, name, name_length) == 0)
            return decode(query + name_length + 1, length - name_length - 1);
        query += length + (query[length] == '&');
    }
    return NULL;
}
