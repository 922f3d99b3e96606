/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's functions, in a library that is loaded when facts are to be sent (util/library.h). */
#ifndef RTS_HTTP_CURL_LIBRARY_H
#define RTS_HTTP_CURL_LIBRARY_H

#include <curl/curl.h>

#include "util/error.h"

/* All that is called, without "curl_" before it. */
#define RTS_CURL_FUNCTIONS(X)                                                                      \
    X(global_init)                                                                                 \
    X(free)                                                                                        \
    X(getdate)                                                                                     \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_strerror)                                                                               \
    X(multi_init)                                                                                  \
    X(multi_cleanup)                                                                               \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_perform)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_poll)                                                                                  \
    X(multi_wakeup)                                                                                \
    X(url)                                                                                         \
    X(url_get)                                                                                     \
    X(url_set)                                                                                     \
    X(url_cleanup)

/* curl->easy_init() is curl_easy_init(), and so on. The compiler checks no argument of
 * easy_setopt() and easy_getinfo(), which are of the type that libcurl documents. */
struct rts_curl {
    void *handle;
#define RTS_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    RTS_CURL_FUNCTIONS(RTS_CURL_MEMBER)
#undef RTS_CURL_MEMBER
};

/* Loads libcurl; what was opened is to be closed once. On failure there is nothing to close. */
int rts_curl_open(struct rts_curl *curl, struct rts_error *error);

/* The functions must not be called any more. Accepts what is all zero. */
void rts_curl_close(struct rts_curl *curl);

#endif
