/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/upload.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "delivery/answer.h"
#include "delivery/backoff.h"
#include "delivery/secret.h"
#include "delivery/upload_state.h"
#include "util/clock.h"

/* No more of a parameter's value is looked for. */
#define SECRET_IN_QUERY_MAX 256

static void add_header(struct rts_upload *upload, const char *name, const char *value)
{
    struct rts_buffer line = RTS_BUFFER_INIT;
    rts_buffer_format(&line, "%s: %s", name, value);
    struct curl_slist *longer = upload->curl.slist_append(upload->headers, line.data);
    explicit_bzero(line.data, line.size);
    rts_buffer_finish(&line);
    if (longer)
        upload->headers = longer;
}

static void set_headers(struct rts_upload *upload, const struct rts_batch *batch)
{
    const struct rts_endpoint *endpoint = upload->endpoint;
    upload->curl.slist_free_all(upload->headers);
    upload->headers = NULL;
    const char *of_facts = batch->structured ? "application/json" : "application/x-ndjson";
    add_header(upload, "Content-Type", batch->content_type ? batch->content_type : of_facts);
    if (batch->gzip)
        add_header(upload, "Content-Encoding", "gzip");
    add_header(upload, "Idempotency-Key", batch->key);
    const char *at = batch->envelope;
    for (char *line; rts_envelope_next(&at, "header: ", &line); free(line)) {
        struct curl_slist *longer = upload->curl.slist_append(upload->headers, line);
        upload->headers = longer ? longer : upload->headers;
    }
    for (size_t i = 0; i < endpoint->withheld_count; i++)
        add_header(upload, endpoint->withheld[i].name, endpoint->withheld[i].value);
    if (upload->token[0]) {
        char value[RTS_TOKEN_SIZE + 8];
        snprintf(value, sizeof value, "Bearer %s", upload->token);
        add_header(upload, "Authorization", value);
        explicit_bzero(value, sizeof value);
    }
    upload->curl.easy_setopt(upload->easy, CURLOPT_HTTPHEADER, upload->headers);
}

static void set_url(struct rts_upload *upload, const struct rts_batch *batch)
{
    const struct rts_endpoint *endpoint = upload->endpoint;
    struct rts_buffer url = RTS_BUFFER_INIT;
    const char *at = batch->envelope;
    char *query = NULL;
    rts_envelope_next(&at, "query: ", &query);
    rts_buffer_format(&url, "%s%s", endpoint->origin,
                      rts_endpoint_path(endpoint, batch->structured));
    const char *separator = "?";
    if (query && *query) {
        rts_buffer_format(&url, "%s%s", separator, query);
        separator = "&";
    }
    if (*endpoint->extra_query)
        rts_buffer_format(&url, "%s%s", separator, endpoint->extra_query);
    upload->curl.easy_setopt(upload->easy, CURLOPT_URL, url.data);
    free(query);
    rts_buffer_finish(&url);
}

static int take_token(struct rts_upload *upload, struct rts_error *error)
{
    char token[RTS_TOKEN_SIZE] = "";
    int result = upload->token_file ? rts_token_read(upload->token_file, token, error) : 0;
    if (result == 0 && strcmp(token, upload->token) != 0) {
        memcpy(upload->previous, upload->token, sizeof token);
        memcpy(upload->token, token, sizeof token);
    }
    explicit_bzero(token, sizeof token);
    return result;
}

/* Forgets the request before. */
static void begin(struct rts_upload *upload, struct rts_upload_result *result)
{
    *result = (struct rts_upload_result){.needs_help = true, .body = &upload->body};
    rts_buffer_clear(&upload->body);
    upload->head_seen = upload->body_seen = 0;
    upload->head_cut = upload->body_cut = false;
    upload->reason[0] = upload->retry_after[0] = upload->date[0] = '\0';
    upload->begun_ns = rts_clock_monotonic_ns();
}

static int hand_over(struct rts_upload *upload, struct rts_upload_result *result)
{
    if (upload->curl.multi_add_handle(upload->multi, upload->easy) != CURLM_OK) {
        snprintf(result->text, sizeof result->text, "libcurl refuses the request");
        return -1;
    }
    upload->busy = true;
    return 0;
}

int rts_upload_greet(struct rts_upload *upload, struct rts_upload_result *result)
{
    begin(upload, result);
    upload->curl.easy_setopt(upload->easy, CURLOPT_URL, upload->endpoint->origin);
    upload->curl.easy_setopt(upload->easy, CURLOPT_CONNECT_ONLY, 1L);
    return hand_over(upload, result);
}

int rts_upload_begin(struct rts_upload *upload, const struct rts_batch *batch,
                     struct rts_upload_result *result)
{
    struct rts_error error;
    begin(upload, result);
    if (take_token(upload, &error) < 0) {
        rts_answer_append(result->text, sizeof result->text, error.text);
        return -1;
    }
    set_headers(upload, batch);
    set_url(upload, batch);
    upload->curl.easy_setopt(upload->easy, CURLOPT_CONNECT_ONLY, 0L);
    upload->curl.easy_setopt(upload->easy, CURLOPT_POST, 1L);
    upload->curl.easy_setopt(upload->easy, CURLOPT_POSTFIELDS, batch->body.data);
    upload->curl.easy_setopt(upload->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)batch->body.size);
    return hand_over(upload, result);
}

/* A server may quote what it was sent. */
static void blot_out_secrets(const struct rts_upload *upload, char *bytes, size_t size)
{
    if (size == 0)
        return;
    rts_secret_blot_out(bytes, size, upload->token);
    rts_secret_blot_out(bytes, size, upload->previous);
    for (const char *at = strchr(upload->endpoint->extra_query, '='); at; at = strchr(at, '=')) {
        char value[SECRET_IN_QUERY_MAX];
        size_t length = strcspn(++at, "&");
        snprintf(value, sizeof value, "%.*s", (int)length, at);
        rts_secret_blot_out(bytes, size, value);
    }
    for (size_t i = 0; i < upload->endpoint->withheld_count; i++) {
        const char *value = upload->endpoint->withheld[i].value;
        rts_secret_blot_out(bytes, size, value);
        /* "Bearer abc": the words alone too */
        const char *last = strrchr(value, ' ');
        if (last)
            rts_secret_blot_out(bytes, size, last + 1);
    }
}

static void explain(CURLcode code, struct rts_upload_result *result)
{
    static const struct {
        CURLcode code;
        enum rts_unreached unreached;
        bool needs_help; /* a person has to see to it; else it may pass */
    } kinds[] = {
        {CURLE_PEER_FAILED_VERIFICATION, RTS_UNREACHED_CERTIFICATE, true},
        {CURLE_SSL_CACERT_BADFILE, RTS_UNREACHED_CERTIFICATE, true},
        {CURLE_SSL_CERTPROBLEM, RTS_UNREACHED_CERTIFICATE, true},
        {CURLE_SSL_ISSUER_ERROR, RTS_UNREACHED_CERTIFICATE, true},
        {CURLE_SSL_CIPHER, RTS_UNREACHED_OTHER, true},
        {CURLE_UNSUPPORTED_PROTOCOL, RTS_UNREACHED_OTHER, true},
        {CURLE_URL_MALFORMAT, RTS_UNREACHED_OTHER, true},
        {CURLE_WEIRD_SERVER_REPLY, RTS_UNREACHED_OTHER, true},
        {CURLE_COULDNT_RESOLVE_HOST, RTS_UNREACHED_NAME, false},
        {CURLE_COULDNT_CONNECT, RTS_UNREACHED_CONNECTION, false},
        {CURLE_OPERATION_TIMEDOUT, RTS_UNREACHED_TIMEOUT, false},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].code == code) {
            result->unreached = kinds[i].unreached;
            result->needs_help = kinds[i].needs_help;
        }
}

static void conclude(struct rts_upload *upload, CURLcode code, struct rts_upload_result *result)
{
    curl_off_t connected = 0;
    *result = (struct rts_upload_result){.body = &upload->body};
    result->duration_ns = rts_clock_monotonic_ns() - upload->begun_ns;
    upload->curl.easy_getinfo(upload->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    result->reached = connected > 0;
    blot_out_secrets(upload, upload->body.data, upload->body.size);
    if (code == CURLE_OK || upload->body_cut) {
        upload->curl.easy_getinfo(upload->easy, CURLINFO_RESPONSE_CODE, &result->status);
        result->wait_ms =
            rts_retry_after_ms(upload->retry_after, upload->date,
                               rts_clock_wall_ns() / RTS_NS_PER_S, upload->curl.getdate);
        return;
    }
    explain(code, result);
    if (upload->head_cut) {
        result->needs_help = true;
        rts_answer_append(result->text, sizeof result->text,
                          "the headers of its answer do not end");
        return;
    }
    blot_out_secrets(upload, upload->reason, strlen(upload->reason));
    rts_answer_append(result->text, sizeof result->text,
                      upload->reason[0] ? upload->reason : upload->curl.easy_strerror(code));
}

/* The result, when the request has ended. */
static bool take_result(struct rts_upload *upload, struct rts_upload_result *result)
{
    int left;
    for (CURLMsg *message; (message = upload->curl.multi_info_read(upload->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        conclude(upload, code, result);
        rts_upload_cancel(upload);
        return true;
    }
    return false;
}

bool rts_upload_work(struct rts_upload *upload, uint64_t timeout_ms,
                     struct rts_upload_result *result)
{
    int running;
    upload->curl.multi_perform(upload->multi, &running);
    if (upload->busy && take_result(upload, result))
        return true;
    upload->curl.multi_poll(upload->multi, NULL, 0,
                            timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX, NULL);
    upload->curl.multi_perform(upload->multi, &running);
    return upload->busy && take_result(upload, result);
}

void rts_upload_cancel(struct rts_upload *upload)
{
    if (!upload->busy)
        return;
    upload->curl.multi_remove_handle(upload->multi, upload->easy);
    upload->busy = false;
}

void rts_upload_wake(struct rts_upload *upload)
{
    upload->curl.multi_wakeup(upload->multi);
}
