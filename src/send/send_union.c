/* SPDX-License-Identifier: Apache-2.0 */
#include "send/send_union.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "send/settings_delivery.h"
#include "util/cleanup.h"
#include "util/log.h"

/* A bundle of ours has some megabytes: what is larger than this is something else. */
#define BUNDLE_BYTES_MAX ((off_t)256 << 20)

#define CHUNK_BYTES 65536

/* How a ZIP archive begins. */
static const char signature[4] = {'P', 'K', 3, 4};

int rts_send_union_check(const struct rts_settings *settings, struct rts_error *error)
{
    if (!settings->ingest.endpoint)
        return rts_fail(error, RTS_USAGE, "nowhere to send to: give --endpoint or Ingest:Endpoint");
    if (!settings->egress.enabled)
        return rts_fail(error, RTS_USAGE, "Egress:Enabled is false: nothing is sent");
    if (!settings->ingest.analysis_id)
        return rts_fail(error, RTS_USAGE,
                        "a union bundle belongs to an analysis: give --analysis-id");
    return 0;
}

static int read_bundle(const char *path, struct rts_buffer *body, struct rts_error *error)
{
    struct stat file;
    char chunk[CHUNK_BYTES];
    ssize_t count;
    RTS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &file) < 0)
        return rts_fail_errno(error, errno, "cannot read the union bundle %s", path);
    if (!S_ISREG(file.st_mode) || file.st_size > BUNDLE_BYTES_MAX)
        return rts_fail(error, RTS_FAILED, "%s is not a union bundle: it is %s", path,
                        S_ISREG(file.st_mode) ? "larger than 256 MiB" : "not a file");
    while ((count = read(fd, chunk, sizeof chunk)) > 0 && (off_t)body->size <= BUNDLE_BYTES_MAX)
        rts_buffer_append(body, chunk, (size_t)count);
    if (count < 0)
        return rts_fail_errno(error, errno, "cannot read the union bundle %s", path);
    if (body->size < sizeof signature || memcmp(body->data, signature, sizeof signature) != 0)
        return rts_fail(error, RTS_FAILED, "%s is not a union bundle: it is not a ZIP archive",
                        path);
    return 0;
}

int rts_send_union(const struct rts_settings *settings, const char *path, int signals,
                   struct rts_error *error)
{
    struct rts_buffer body = RTS_BUFFER_INIT;
    struct rts_error reason;
    int result = read_bundle(path, &body, error);
    if (result == 0 && rts_settings_post(settings, "application/zip", &body, signals, &reason) < 0)
        result =
            reason.failure == RTS_UNDELIVERED
                ? rts_fail(error, RTS_UNDELIVERED, "%s was not accepted: %s", path, reason.text)
                : rts_fail(error, reason.failure, "%s", reason.text);
    else if (result == 0)
        rts_log("%s: accepted", path);
    rts_buffer_finish(&body);
    return result;
}
