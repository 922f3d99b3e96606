/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/lines_out.h"

#include <errno.h>
#include <poll.h>

#include "util/log.h"
#include "util/stop_signals.h"

/* What the end of a run leaves for what is still to be sent; the rest is spooled, or lost. */
#define DELIVERY_PATIENCE_MS 1500

/* How often it is looked whether a FIFO has its reader. */
#define FIFO_INTERVAL_MS 20

/* Opening a FIFO means to wait for its reader, and yet to be stopped by a signal. */
static struct rts_sink *open_sink(const char *path, struct rts_error *error)
{
    for (bool said = false;; said = true) {
        struct rts_sink *sink = rts_sink_open(path, error);
        if (sink || error->number != ENXIO || rts_stop_signals_pending())
            return sink;
        if (!said)
            rts_log("waiting for a reader of %s", path);
        poll(NULL, 0, FIFO_INTERVAL_MS);
    }
}

int rts_lines_out_open(struct rts_lines_out *out, const struct rts_settings *settings,
                       enum rts_delivery_purpose purpose, struct rts_error *error)
{
    *out = (struct rts_lines_out){.output = settings->output};
    if (out->output && !(out->sink = open_sink(out->output, error)))
        return -1;
    if (!rts_settings_wants_delivery(settings))
        return 0;
    out->delivery = rts_settings_open_delivery(settings, purpose, NULL, error);
    return out->delivery ? 0 : -1;
}

/* What the output refuses for now stays with it and is tried again. */
static void write_out(struct rts_lines_out *out, const struct rts_buffer *lines, uint64_t count)
{
    struct rts_error error;
    int result = rts_sink_write(out->sink, lines->data, lines->size, count, &error);
    if (result < 0) {
        out->broken = true;
        rts_log("%s", error.text);
    } else if (result > 0 && !out->waits) {
        rts_log("%s", error.text);
    }
    out->waits = result > 0;
}

void rts_lines_out_write(struct rts_lines_out *out, const struct rts_buffer *lines, uint64_t count)
{
    if (out->sink && (count > 0 || out->waits))
        write_out(out, lines, count);
    if (out->delivery && count > 0)
        rts_delivery_submit(out->delivery, lines->data, lines->size);
}

static void take_counts(struct rts_account *account, const struct rts_delivery_counts *counts)
{
    account->delivery = (struct rts_delivery_account){
        .accepted = counts->own.accepted,
        .spooled = counts->own.spooled,
        .rejected = counts->own.rejected,
        .dropped = counts->own.dropped,
        .retries = counts->retries,
    };
}

void rts_lines_out_count(const struct rts_lines_out *out, struct rts_account *account)
{
    struct rts_delivery_counts counts;
    if (!out->delivery)
        return;
    rts_delivery_counts(out->delivery, &counts);
    take_counts(account, &counts);
}

int rts_lines_out_close_sink(struct rts_lines_out *out, struct rts_account *account,
                             struct rts_error *error)
{
    uint64_t unwritten = 0;
    int result = rts_sink_close(out->sink, &unwritten, error);
    account->undelivered_events += unwritten;
    out->sink = NULL;
    return result;
}

int rts_lines_out_end_delivery(struct rts_lines_out *out, struct rts_account *account,
                               struct rts_error *error)
{
    if (!out->delivery)
        return 0;
    struct rts_delivery_counts counts;
    int result = rts_delivery_finish(out->delivery, DELIVERY_PATIENCE_MS, &counts, error);
    out->delivery = NULL;
    take_counts(account, &counts);
    return result;
}

void rts_lines_out_discard(struct rts_lines_out *out)
{
    rts_sink_close(out->sink, NULL, NULL);
    rts_delivery_finish(out->delivery, 0, NULL, NULL);
}
