/* SPDX-License-Identifier: Apache-2.0 */
#include "http/curl_library.h"

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stddef.h>

#include "util/library.h"

int rts_curl_open(struct rts_curl *curl, struct rts_error *error)
{
    static const struct rts_library library = {
        .name = "libcurl",
        .soname = CURL_SONAME,
        .purpose = "sending facts",
        .package = "libcurl4",
    };
#define FUNCTION(name) {"curl_" #name, offsetof(struct rts_curl, name)},
    static const struct rts_library_function functions[] = {RTS_CURL_FUNCTIONS(FUNCTION)};
#undef FUNCTION
    void *handle =
        rts_library_open(&library, functions, sizeof functions / sizeof *functions, curl, error);
    if (!handle)
        return -1;
    curl->handle = handle;
    return 0;
}

void rts_curl_close(struct rts_curl *curl)
{
    rts_library_close(curl->handle);
    *curl = (struct rts_curl){0};
}
