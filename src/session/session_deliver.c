/* SPDX-License-Identifier: Apache-2.0 */
/* Where a finished batch goes: to the output, to the server, or to both. */
#include "session/session.h"

#include "sending/settings_delivery.h"
#include "util/log.h"

/* What the end of a run leaves for what is still to be sent; the rest is spooled, or lost. */
#define DELIVERY_PATIENCE_MS 1500

int rts_session_open_delivery(struct rts_session *session, struct rts_error *error)
{
    if (!rts_settings_deliver(session->settings))
        return 0;
    enum rts_delivery_purpose purpose = session->replay ? RTS_DELIVER_FILES : RTS_DELIVER_SAMPLES;
    session->delivery = rts_settings_open_delivery(session->settings, purpose, NULL, error);
    return session->delivery ? 0 : -1;
}

/* What the output refuses for now stays with it and is tried again. */
static void write_out(struct rts_session *session, const struct rts_buffer *lines, uint64_t count)
{
    struct rts_error error;
    int result = rts_sink_write(session->sink, lines->data, lines->size, count, &error);
    if (result < 0) {
        session->sink_broken = true;
        rts_log("%s", error.text);
    } else if (result > 0 && !session->sink_waits) {
        rts_log("%s", error.text);
    }
    session->sink_waits = result > 0;
}

void rts_session_deliver(struct rts_session *session, const struct rts_buffer *lines,
                         uint64_t count)
{
    if (session->sink && (count > 0 || session->sink_waits))
        write_out(session, lines, count);
    if (session->delivery && count > 0)
        rts_delivery_submit(session->delivery, lines->data, lines->size);
}

static void take_counts(struct rts_session *session, const struct rts_delivery_counts *counts)
{
    session->account.delivery = (struct rts_delivery_account){
        .accepted = counts->own.accepted,
        .spooled = counts->own.spooled,
        .rejected = counts->own.rejected,
        .dropped = counts->own.dropped,
        .retries = counts->retries,
    };
}

void rts_session_count_delivery(struct rts_session *session)
{
    if (!session->delivery)
        return;
    struct rts_delivery_counts counts;
    rts_delivery_counts(session->delivery, &counts);
    take_counts(session, &counts);
}

int rts_session_end_delivery(struct rts_session *session, struct rts_error *error)
{
    if (!session->delivery)
        return 0;
    struct rts_delivery_counts counts;
    int result = rts_delivery_finish(session->delivery, DELIVERY_PATIENCE_MS, &counts, error);
    session->delivery = NULL;
    take_counts(session, &counts);
    return result;
}
