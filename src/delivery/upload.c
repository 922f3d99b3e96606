/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/upload.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "delivery/answer.h"
#include "delivery/backoff.h"
#include "delivery/secret.h"
#include "delivery/token.h"
#include "util/clock.h"
#include "util/memory.h"

/* Of an answer; what follows is read past, and beyond the second limit not read at all. */
#define BODY_KEPT_MAX 65536
#define BODY_READ_MAX (1u << 20)

/* No more of a parameter's value is looked for. */
#define SECRET_IN_QUERY_MAX 256

#define HEADER_VALUE_SIZE 128

struct rts_upload {
    const struct rts_endpoint *endpoint;
    char *token_file;
    CURLM *multi;
    CURL *easy;
    bool busy; /* `easy` is in `multi` */

    struct curl_slist *headers;
    char token[RTS_TOKEN_SIZE];    /* of the request at hand; "" without a token file */
    char previous[RTS_TOKEN_SIZE]; /* another one before that */
    struct rts_buffer body;
    size_t body_seen;
    bool body_cut; /* we stopped reading; the status counts all the same */
    char retry_after[HEADER_VALUE_SIZE];
    char date[HEADER_VALUE_SIZE];
    char reason[CURL_ERROR_SIZE];
    uint64_t begun_ns;
};

/* --- What libcurl calls ----------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t one, size_t size, void *opaque)
{
    (void)one;
    struct rts_upload *upload = opaque;
    size_t room = BODY_KEPT_MAX - upload->body.size;
    rts_buffer_append(&upload->body, bytes, size < room ? size : room);
    upload->body_seen += size;
    if (upload->body_seen <= BODY_READ_MAX)
        return size;
    upload->body_cut = true;
    return 0;
}

static void take_value(const char *line, size_t size, const char *name, char *value)
{
    size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0)
        return;
    line += length;
    size -= length;
    while (size > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        size--;
    }
    while (size > 0 && strchr(" \t\r\n", line[size - 1]))
        size--;
    snprintf(value, HEADER_VALUE_SIZE, "%.*s", (int)(size < INT_MAX ? size : 0), line);
}

static size_t take_header(char *line, size_t one, size_t size, void *opaque)
{
    (void)one;
    struct rts_upload *upload = opaque;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0)
        upload->retry_after[0] = upload->date[0] = '\0'; /* those of a 100 do not count */
    take_value(line, size, "Retry-After:", upload->retry_after);
    take_value(line, size, "Date:", upload->date);
    return size;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* "localhost" is whatever the resolver says; what is not encrypted must not leave all the same. */
static curl_socket_t open_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct rts_upload *upload = opaque;
    (void)purpose;
    if (upload->endpoint->plain && !is_loopback(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- Setting up ------------------------------------------------------------------------------- */

static void set_limits(CURL *easy, const struct rts_endpoint *endpoint)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, endpoint->plain ? "http" : "https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long)(endpoint->plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

static void set_callbacks(struct rts_upload *upload)
{
    CURL *easy = upload->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "rtsample");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, upload);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, upload);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, upload);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, upload->reason);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_options(CURL *easy, const struct rts_upload_options *options)
{
    uint32_t connect_ms = options->connect_timeout_ms, whole_ms = options->timeout_ms;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(connect_ms ? connect_ms : RTS_UPLOAD_CONNECT_TIMEOUT_MS));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(whole_ms ? whole_ms : RTS_UPLOAD_TIMEOUT_MS));
    if (options->cacert) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->cacert);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (options->cert)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert);
    if (options->key || options->cert)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key ? options->key : options->cert);
    /* An encrypted key is an error; without this, OpenSSL would ask for its password. */
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

static int check_file(const char *path, const char *what, struct rts_error *error)
{
    if (!path || access(path, R_OK) == 0)
        return 0;
    rts_fail_errno(error, errno, "cannot read the %s %s", what, path);
    if (error)
        error->failure = RTS_USAGE;
    return -1;
}

static int check_options(const struct rts_endpoint *endpoint,
                         const struct rts_upload_options *options, struct rts_error *error)
{
    char token[RTS_TOKEN_SIZE];
    if (options->key && !options->cert)
        return rts_fail(error, RTS_USAGE, "--key is of no use without --cert");
    if (check_file(options->cacert, "authorities' certificates", error) < 0 ||
        check_file(options->cert, "client certificate", error) < 0 ||
        check_file(options->key, "client key", error) < 0)
        return -1;
    if (!options->token_file)
        return 0;
    if (rts_header_find(endpoint->withheld, endpoint->withheld_count, "Authorization"))
        return rts_fail(error, RTS_USAGE,
                        "a token file and a header Authorization: give one of them");
    int result = rts_token_read(options->token_file, token, error);
    explicit_bzero(token, sizeof token);
    return result;
}

struct rts_upload *rts_upload_create(const struct rts_endpoint *endpoint,
                                     const struct rts_upload_options *options,
                                     struct rts_error *error)
{
    if (check_options(endpoint, options, error) < 0)
        return NULL;
    struct rts_upload *upload = rts_calloc(1, sizeof *upload);
    upload->endpoint = endpoint;
    upload->token_file = options->token_file ? rts_strdup(options->token_file) : NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(upload->multi = curl_multi_init()) ||
        !(upload->easy = curl_easy_init())) {
        rts_fail(error, RTS_FAILED, "libcurl cannot be used");
        rts_upload_destroy(upload);
        return NULL;
    }
    set_limits(upload->easy, endpoint);
    set_callbacks(upload);
    set_options(upload->easy, options);
    return upload;
}

void rts_upload_destroy(struct rts_upload *upload)
{
    if (!upload)
        return;
    rts_upload_cancel(upload);
    curl_easy_cleanup(upload->easy);
    curl_multi_cleanup(upload->multi);
    curl_slist_free_all(upload->headers);
    rts_buffer_finish(&upload->body);
    explicit_bzero(upload->token, sizeof upload->token);
    explicit_bzero(upload->previous, sizeof upload->previous);
    free(upload->token_file);
    free(upload);
}

/* --- One request ------------------------------------------------------------------------------ */

static void add_header(struct rts_upload *upload, const char *name, const char *value)
{
    struct rts_buffer line = RTS_BUFFER_INIT;
    rts_buffer_format(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(upload->headers, line.data);
    explicit_bzero(line.data, line.size);
    rts_buffer_finish(&line);
    if (longer)
        upload->headers = longer;
}

static void set_headers(struct rts_upload *upload, const struct rts_batch *batch)
{
    const struct rts_endpoint *endpoint = upload->endpoint;
    curl_slist_free_all(upload->headers);
    upload->headers = NULL;
    const char *of_facts = batch->structured ? "application/json" : "application/x-ndjson";
    add_header(upload, "Content-Type", batch->content_type ? batch->content_type : of_facts);
    if (batch->gzip)
        add_header(upload, "Content-Encoding", "gzip");
    add_header(upload, "Idempotency-Key", batch->key);
    const char *at = batch->envelope;
    for (char *line; rts_envelope_next(&at, "header: ", &line); free(line)) {
        struct curl_slist *longer = curl_slist_append(upload->headers, line);
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
    curl_easy_setopt(upload->easy, CURLOPT_HTTPHEADER, upload->headers);
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
    curl_easy_setopt(upload->easy, CURLOPT_URL, url.data);
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

int rts_upload_begin(struct rts_upload *upload, const struct rts_batch *batch,
                     struct rts_upload_result *result)
{
    struct rts_error error;
    *result = (struct rts_upload_result){.needs_help = true, .body = &upload->body};
    rts_buffer_clear(&upload->body);
    upload->body_seen = 0;
    upload->body_cut = false;
    upload->reason[0] = upload->retry_after[0] = upload->date[0] = '\0';
    if (take_token(upload, &error) < 0) {
        rts_answer_append_printable(result->text, sizeof result->text, error.text);
        return -1;
    }
    set_headers(upload, batch);
    set_url(upload, batch);
    curl_easy_setopt(upload->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(upload->easy, CURLOPT_POSTFIELDS, batch->body.data);
    curl_easy_setopt(upload->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)batch->body.size);
    upload->begun_ns = rts_clock_monotonic_ns();
    if (curl_multi_add_handle(upload->multi, upload->easy) != CURLM_OK) {
        snprintf(result->text, sizeof result->text, "libcurl does not take the request");
        return -1;
    }
    upload->busy = true;
    return 0;
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

/* Failures that a person has to see to; the others may pass. */
static bool needs_help(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_CIPHER,
        CURLE_UNSUPPORTED_PROTOCOL,
        CURLE_URL_MALFORMAT,
        CURLE_WEIRD_SERVER_REPLY,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void conclude(struct rts_upload *upload, CURLcode code, struct rts_upload_result *result)
{
    curl_off_t connected = 0;
    struct timespec now;
    *result = (struct rts_upload_result){.body = &upload->body};
    clock_gettime(CLOCK_REALTIME, &now);
    result->duration_ns = rts_clock_monotonic_ns() - upload->begun_ns;
    curl_easy_getinfo(upload->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    result->reached = connected > 0;
    blot_out_secrets(upload, upload->body.data, upload->body.size);
    if (code == CURLE_OK || upload->body_cut) {
        curl_easy_getinfo(upload->easy, CURLINFO_RESPONSE_CODE, &result->status);
        result->wait_ms = rts_retry_after_ms(upload->retry_after, upload->date, now.tv_sec);
        return;
    }
    result->needs_help = needs_help(code);
    blot_out_secrets(upload, upload->reason, strlen(upload->reason));
    rts_answer_append_printable(result->text, sizeof result->text,
                                upload->reason[0] ? upload->reason : curl_easy_strerror(code));
}

/* The result, when the request has ended. */
static bool take_result(struct rts_upload *upload, struct rts_upload_result *result)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(upload->multi, &left));) {
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
    curl_multi_perform(upload->multi, &running);
    if (upload->busy && take_result(upload, result))
        return true;
    curl_multi_poll(upload->multi, NULL, 0, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX, NULL);
    curl_multi_perform(upload->multi, &running);
    return upload->busy && take_result(upload, result);
}

void rts_upload_cancel(struct rts_upload *upload)
{
    if (!upload->busy)
        return;
    curl_multi_remove_handle(upload->multi, upload->easy);
    upload->busy = false;
}

void rts_upload_wake(struct rts_upload *upload)
{
    curl_multi_wakeup(upload->multi);
}
