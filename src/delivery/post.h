/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file to the server, as it is, in the calling thread: what is not facts and needs no spool,
 * since it lies on the disk already. The same rules as for facts: the endpoint only, its answers
 * judged alike, pauses after failures.
 */
#ifndef RTS_DELIVERY_POST_H
#define RTS_DELIVERY_POST_H

#include "delivery/endpoint.h"
#include "delivery/upload.h"
#include "util/buffer.h"
#include "util/error.h"

/* Borrowed for the time of rts_post(). */
struct rts_post_options {
    struct rts_endpoint_options endpoint;
    struct rts_upload_options upload;
    const char *content_type;
    uint32_t retry_first_ms, retry_max_ms; /* as in rts_delivery_options */
    unsigned failures_max;                 /* attempts that may fail in a row */
    int interrupt_fd;                      /* readable: give up; -1: none */
};

/* Sends the body and waits for the answer; equal bodies have equal keys. RTS_USAGE when the options
 * are wrong, RTS_UNDELIVERED when the server did not take it: the text says why. */
int rts_post(const struct rts_post_options *options, const struct rts_buffer *body,
             struct rts_error *error);

#endif
