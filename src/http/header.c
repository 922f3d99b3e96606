/* SPDX-License-Identifier: Apache-2.0 */
#include "http/header.h"

#include <string.h>
#include <strings.h>

/* More is a mistake: servers refuse headers of this size. */
#define VALUE_MAX 4096

static const char *const open_names[] = {
    "Accept",      "Accept-Language", "User-Agent",  "X-Analysis-Id", "X-Callgraph-Id",
    "X-Component", "X-Image-Digest",  "X-Scan-Id",   "X-Scopes",      "X-Source",
    "X-Tenant",    "X-Tenant-Id",     "X-Request-Id"};

/* They frame or describe the body, name the server, or make a retry recognizable. */
static const char *const own_names[] = {
    "Connection", "Content-Encoding",  "Content-Length",     "Content-Type", "Expect",
    "Host",       "Idempotency-Key",   "Proxy-Connection",   "TE",           "Trailer",
    "Upgrade",    "Transfer-Encoding", "Proxy-Authorization"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

bool rts_header_is_open(const char *name)
{
    return is_among(name, open_names, sizeof open_names / sizeof *open_names);
}

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return *name && name[strspn(name, allowed)] == '\0';
}

static bool is_printable(const char *value)
{
    for (const char *at = value; *at; at++)
        if (*at < ' ' || *at > '~')
            return false;
    return true;
}

int rts_header_check(const struct rts_header *header, struct rts_error *error)
{
    if (!is_token(header->name) || strlen(header->name) > 100)
        return rts_fail(error, RTS_USAGE, "a header's name has letters, digits and \"-\" only");
    if (is_among(header->name, own_names, sizeof own_names / sizeof *own_names))
        return rts_fail(error, RTS_USAGE, "header %s: it cannot be given, since the upload sets it",
                        header->name);
    if (!*header->value || strlen(header->value) > VALUE_MAX || !is_printable(header->value))
        return rts_fail(error, RTS_USAGE,
                        "header %s: its value is 1 to %d printable ASCII characters", header->name,
                        VALUE_MAX);
    return 0;
}

const char *rts_header_find(const struct rts_header *headers, size_t count, const char *name)
{
    for (size_t i = count; i > 0; i--)
        if (strcasecmp(headers[i - 1].name, name) == 0)
            return headers[i - 1].value;
    return NULL;
}
