/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an address that facts may be sent to, and percent-encoding. Opens nothing. */
#ifndef RTS_HTTP_URL_H
#define RTS_HTTP_URL_H

#include <stdbool.h>

#include "util/buffer.h"
#include "util/error.h"

/* Owned texts. */
struct rts_url {
    char *scheme; /* "https", or "http" */
    char *host;   /* lowercase; an IPv6 address in brackets */
    char *port;   /* always given */
    char *path;   /* at least "/" */
    char *query;  /* "" when there is none; still encoded */
};

/* Loads libcurl for it. RTS_USAGE when it is no such address. The text quotes at most scheme and
 * host: the rest of what a user writes may be a secret. On failure there is nothing to finish. */
int rts_url_parse(struct rts_url *url, const char *text, struct rts_error *error);
void rts_url_finish(struct rts_url *url);

/* Is it the name or an address of this very machine, whatever a name server says? */
bool rts_url_is_loopback(const struct rts_url *url);

/* Does "host" or "host:port" name this host (and port)? In any case; IPv6 with or without
 * brackets. */
bool rts_url_is_at(const struct rts_url *url, const char *entry);

/* Appends text so that it can stand in a query: RFC 3986's unreserved characters stay. */
void rts_url_encode(struct rts_buffer *buffer, const char *text);

/* The decoded value of a parameter of a query, to be freed; NULL when it is not there. Names match
 * in any case. */
char *rts_url_query_value(const char *query, const char *name);

#endif
