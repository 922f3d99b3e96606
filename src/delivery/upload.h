/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at a time to one server, over a connection that is kept. Only the endpoint's scheme,
 * host and port are ever spoken to: redirects are not followed, and no proxy, netrc, cookie or
 * alternative service is heeded, whatever the environment says. https needs TLS 1.2 or later and a
 * certificate that verifies; http reaches loopback addresses only.
 *
 * All functions are for one thread, but rts_upload_wake().
 */
#ifndef RTS_DELIVERY_UPLOAD_H
#define RTS_DELIVERY_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/batch.h"
#include "delivery/endpoint.h"
#include "util/buffer.h"
#include "util/error.h"

#define RTS_UPLOAD_CONNECT_TIMEOUT_MS 10000
#define RTS_UPLOAD_TIMEOUT_MS         60000

/* Borrowed for the time of the call; NULL: not given. Files are PEM. */
struct rts_upload_options {
    const char *cacert; /* the only authorities that are trusted; NULL: the system's */
    const char *cert, *key;
    const char *token_file;      /* holds a bearer token; read anew for every request */
    uint32_t connect_timeout_ms; /* 0: RTS_UPLOAD_CONNECT_TIMEOUT_MS */
    uint32_t timeout_ms;         /* of a whole request; 0: RTS_UPLOAD_TIMEOUT_MS */
};

/* What stood in the way of an answer. */
enum rts_unreached {
    RTS_UNREACHED_OTHER,
    RTS_UNREACHED_NAME,        /* the host's name leads to no address */
    RTS_UNREACHED_CONNECTION,  /* nobody takes the connection there */
    RTS_UNREACHED_CERTIFICATE, /* its certificate, or ours, does not do */
    RTS_UNREACHED_TIMEOUT,
};

/* How a request ended. */
struct rts_upload_result {
    long status;                  /* of HTTP; 0: there was no whole answer, see `text` */
    bool reached;                 /* a connection stood */
    bool needs_help;              /* no answer, and trying again will not help by itself */
    char text[300];               /* without an answer: why; printable, no secrets */
    enum rts_unreached unreached; /* and of which kind that is */
    uint64_t wait_ms;             /* what Retry-After asks for; 0: nothing */
    uint64_t duration_ns;
    const struct rts_buffer *body; /* what came, at most 64 KiB; until the next request */
};

struct rts_upload;

/* `endpoint` is borrowed until rts_upload_destroy(). Reads the files once, so that what is wrong
 * with them is said at the start. Opens no connection. */
struct rts_upload *rts_upload_create(const struct rts_endpoint *endpoint,
                                     const struct rts_upload_options *options,
                                     struct rts_error *error);

/* Ends what is under way. It may have to wait for a name server (with libcurl before 7.87). Accepts
 * NULL. */
void rts_upload_destroy(struct rts_upload *upload);

/* Begins to send a batch, which must live until the request has ended. On failure there is nothing
 * to wait for: *result says why. */
int rts_upload_begin(struct rts_upload *upload, const struct rts_batch *batch,
                     struct rts_upload_result *result);

/* Begins to connect, as for a request, TLS included, and to hang up again: nothing is sent. It ends
 * as a request does; the server was reached when result->text is empty. On failure as above. */
int rts_upload_greet(struct rts_upload *upload, struct rts_upload_result *result);

/* Works for at most `timeout_ms`, less when something happens or rts_upload_wake() was called; also
 * without a request. True when the request has ended: *result is filled. */
bool rts_upload_work(struct rts_upload *upload, uint64_t timeout_ms,
                     struct rts_upload_result *result);

/* Ends the request without a result. */
void rts_upload_cancel(struct rts_upload *upload);

/* From any thread: lets rts_upload_work() return. */
void rts_upload_wake(struct rts_upload *upload);

#endif
