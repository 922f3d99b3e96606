/* SPDX-License-Identifier: Apache-2.0 */
/* Between upload_open.c (how libcurl is set up) and upload.c (one request after the other). */
#ifndef RTS_DELIVERY_UPLOAD_STATE_H
#define RTS_DELIVERY_UPLOAD_STATE_H

#include "delivery/token.h"
#include "delivery/upload.h"
#include "http/curl_library.h"

#define RTS_UPLOAD_HEADER_SIZE 128

struct rts_upload {
    const struct rts_endpoint *endpoint;
    char *token_file;
    struct rts_curl curl;
    CURLM *multi;
    CURL *easy;
    bool busy; /* `easy` is in `multi` */

    struct curl_slist *headers;
    char token[RTS_TOKEN_SIZE];    /* of the current request; "" without a token file */
    char previous[RTS_TOKEN_SIZE]; /* another one before that */
    struct rts_buffer body;
    size_t head_seen; /* bytes of headers, those of all interim answers and trailers too */
    bool head_cut;    /* they were too many: there is no answer */
    size_t body_seen;
    bool body_cut; /* we stopped reading; the status counts all the same */
    char retry_after[RTS_UPLOAD_HEADER_SIZE];
    char date[RTS_UPLOAD_HEADER_SIZE];
    char reason[CURL_ERROR_SIZE];
    uint64_t begun_ns;
};

#endif
