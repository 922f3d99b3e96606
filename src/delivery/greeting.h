/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can the server be reached? One connection, with TLS and the certificates as for facts, which is
 * hung up again: nothing is sent.
 */
#ifndef RTS_DELIVERY_GREETING_H
#define RTS_DELIVERY_GREETING_H

#include "delivery/endpoint.h"
#include "delivery/upload.h"
#include "util/error.h"

struct rts_greeting {
    bool reached;
    enum rts_unreached unreached; /* when it was not: what stood in the way, */
    char text[300];               /* in words */
    char origin[256];             /* "https://host:port" */
};

/* Connects and waits for that, no longer than the time limit on connecting. RTS_USAGE when the
 * options are wrong or their files cannot be read; an unreachable server is not a failure.
 */
int rts_greet(const struct rts_endpoint_options *endpoint, const struct rts_upload_options *upload,
              struct rts_greeting *greeting, struct rts_error *error);

/* The stable word for it, such as "certificate". */
const char *rts_unreached_word(enum rts_unreached unreached);

#endif
