/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/upload_state.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/memory.h"

/* Of an answer; what follows is read past, and beyond the second limit not read at all. */
#define BODY_KEPT_MAX 65536
#define BODY_READ_MAX (1u << 20)

/* Of its headers, of interim answers (100 and the like) as well: one has some hundred bytes, and a
 * server could send them for ever. */
#define HEAD_READ_MAX (128u << 10)

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
    snprintf(value, RTS_UPLOAD_HEADER_SIZE, "%.*s", (int)(size < INT_MAX ? size : 0), line);
}

static size_t take_header(char *line, size_t one, size_t size, void *opaque)
{
    (void)one;
    struct rts_upload *upload = opaque;
    upload->head_seen += size;
    upload->head_cut = upload->head_seen > HEAD_READ_MAX;
    if (upload->head_cut)
        return 0;
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

static void set_limits(const struct rts_curl *curl, CURL *easy, const struct rts_endpoint *endpoint)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, endpoint->plain ? "http" : "https");
#else
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS,
                      (long)(endpoint->plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
    curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt(easy, CURLOPT_PROXY, "");
    curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

static void set_callbacks(struct rts_upload *upload)
{
    const struct rts_curl *curl = &upload->curl;
    CURL *easy = upload->easy;
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "rtsample");
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, upload);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, upload);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, upload);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, upload->reason);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_options(const struct rts_curl *curl, CURL *easy,
                        const struct rts_upload_options *options)
{
    uint32_t connect_ms = options->connect_timeout_ms, whole_ms = options->timeout_ms;
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                      (long)(connect_ms ? connect_ms : RTS_UPLOAD_CONNECT_TIMEOUT_MS));
    curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                      (long)(whole_ms ? whole_ms : RTS_UPLOAD_TIMEOUT_MS));
    if (options->cacert) {
        curl->easy_setopt(easy, CURLOPT_CAINFO, options->cacert);
        curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (options->cert)
        curl->easy_setopt(easy, CURLOPT_SSLCERT, options->cert);
    if (options->key || options->cert)
        curl->easy_setopt(easy, CURLOPT_SSLKEY, options->key ? options->key : options->cert);
    /* An encrypted key is an error; without this, OpenSSL would ask for its password. */
    curl->easy_setopt(easy, CURLOPT_KEYPASSWD, "");
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
    if (rts_curl_open(&upload->curl, error) < 0) {
        free(upload);
        return NULL;
    }
    upload->endpoint = endpoint;
    upload->token_file = options->token_file ? rts_strdup(options->token_file) : NULL;
    if (upload->curl.global_init(CURL_GLOBAL_DEFAULT) != 0 ||
        !(upload->multi = upload->curl.multi_init()) ||
        !(upload->easy = upload->curl.easy_init())) {
        rts_fail(error, RTS_FAILED, "libcurl cannot be used");
        rts_upload_destroy(upload);
        return NULL;
    }
    set_limits(&upload->curl, upload->easy, endpoint);
    set_callbacks(upload);
    set_options(&upload->curl, upload->easy, options);
    return upload;
}

void rts_upload_destroy(struct rts_upload *upload)
{
    if (!upload)
        return;
    rts_upload_cancel(upload);
    upload->curl.easy_cleanup(upload->easy);
    upload->curl.multi_cleanup(upload->multi);
    upload->curl.slist_free_all(upload->headers);
    rts_curl_close(&upload->curl);
    rts_buffer_finish(&upload->body);
    explicit_bzero(upload->token, sizeof upload->token);
    explicit_bzero(upload->previous, sizeof upload->previous);
    free(upload->token_file);
    free(upload);
}
