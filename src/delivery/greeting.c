/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/greeting.h"

#include <stdio.h>

/* libcurl ends it at the time limit on connecting; this only has to be looked at now and then. */
#define LOOK_MS 1000

const char *rts_unreached_word(enum rts_unreached unreached)
{
    static const char *const words[] = {
        [RTS_UNREACHED_OTHER] = "other",           [RTS_UNREACHED_NAME] = "name",
        [RTS_UNREACHED_CONNECTION] = "connection", [RTS_UNREACHED_CERTIFICATE] = "certificate",
        [RTS_UNREACHED_TIMEOUT] = "timeout",
    };
    return words[unreached];
}

int rts_greet(const struct rts_endpoint_options *options, const struct rts_upload_options *files,
              struct rts_greeting *greeting, struct rts_error *error)
{
    struct rts_endpoint endpoint;
    struct rts_upload_result result;
    *greeting = (struct rts_greeting){0};
    if (rts_endpoint_init(&endpoint, options, error) < 0)
        return -1;
    struct rts_upload *upload = rts_upload_create(&endpoint, files, error);
    if (upload) {
        bool ended = rts_upload_greet(upload, &result) < 0;
        while (!ended)
            ended = rts_upload_work(upload, LOOK_MS, &result);
        greeting->reached = result.text[0] == '\0';
        greeting->unreached = result.unreached;
        snprintf(greeting->text, sizeof greeting->text, "%s", result.text);
        snprintf(greeting->origin, sizeof greeting->origin, "%s", endpoint.origin);
    }
    rts_upload_destroy(upload);
    rts_endpoint_finish(&endpoint);
    return upload ? 0 : -1;
}
