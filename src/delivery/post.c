/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/post.h"

#include <poll.h>
#include <time.h>

#include "delivery/backoff.h"
#include "delivery/outcome.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/sha256.h"

/* How long an interruption may go unnoticed. */
#define LOOK_AROUND_MS 100

static bool is_interrupted(const struct rts_post_options *options, uint64_t wait_ms)
{
    struct pollfd interrupt = {.fd = options->interrupt_fd, .events = POLLIN};
    return poll(&interrupt, 1, (int)wait_ms) > 0;
}

/* True when the request has ended, false when we were interrupted. */
static bool wait_for_answer(struct rts_upload *upload, const struct rts_post_options *options,
                            struct rts_upload_result *result)
{
    while (!rts_upload_work(upload, LOOK_AROUND_MS, result)) {
        if (is_interrupted(options, 0)) {
            rts_upload_cancel(upload);
            return false;
        }
    }
    return true;
}

static int send_until_answered(struct rts_upload *upload, const struct rts_post_options *options,
                               const struct rts_batch *batch, struct rts_error *error)
{
    const struct rts_patience patience = {
        .first_ms = options->retry_first_ms ? options->retry_first_ms : RTS_BACKOFF_FIRST_MS,
        .max_ms = options->retry_max_ms ? options->retry_max_ms : RTS_BACKOFF_LONGEST_MS,
    };
    uint64_t seed = rts_clock_monotonic_ns();
    for (struct rts_flight flight = {0};; flight.attempts++, flight.failures++) {
        struct rts_upload_result result;
        struct rts_answer answer;
        if (rts_upload_begin(upload, batch, &result) == 0 &&
            !wait_for_answer(upload, options, &result))
            return rts_fail(error, RTS_UNDELIVERED, "interrupted");
        rts_outcome_answer(&answer, &result);
        struct rts_outcome outcome = rts_outcome_of(&flight, &answer, &result, &patience, &seed);
        rts_answer_finish(&answer);
        if (outcome.fate == RTS_FATE_ACCEPT)
            return 0;
        if (outcome.fate != RTS_FATE_KEEP || outcome.needs_help ||
            flight.failures + 1 >= options->failures_max)
            return rts_fail(error, RTS_UNDELIVERED, "%s", answer.text);
        rts_log("not taken yet: %s", answer.text);
        if (is_interrupted(options, outcome.pause_ns / RTS_NS_PER_MS))
            return rts_fail(error, RTS_UNDELIVERED, "interrupted after: %s", answer.text);
    }
}

int rts_post(const struct rts_post_options *options, const struct rts_buffer *body,
             struct rts_error *error)
{
    struct rts_endpoint endpoint;
    if (rts_endpoint_init(&endpoint, &options->endpoint, error) < 0)
        return -1;
    struct rts_batch batch = {
        .content_type = options->content_type,
        .envelope = endpoint.envelope,
        .body = *body,
    };
    rts_sha256_bytes(body->data, body->size, batch.id.digest);
    rts_batch_key(&batch.id, batch.key);
    struct rts_upload *upload = rts_upload_create(&endpoint, &options->upload, error);
    int result = upload ? send_until_answered(upload, options, &batch, error) : -1;
    rts_upload_destroy(upload);
    rts_endpoint_finish(&endpoint);
    return result;
}
