/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to a running delivery. */
#ifndef RTS_SEND_SETTINGS_DELIVERY_H
#define RTS_SEND_SETTINGS_DELIVERY_H

#include "delivery/delivery.h"
#include "delivery/greeting.h"
#include "delivery/post.h"
#include "settings/settings.h"

enum rts_delivery_purpose {
    RTS_DELIVER_SAMPLES, /* what is being sampled */
    RTS_DELIVER_FILES,   /* what lies in files: the same files get the same keys again */
    RTS_DELIVER_SPOOL,   /* only what a spool holds; it says itself what it belongs to */
};

/* rts_delivery_create() with what `settings` say; rts_settings_wants_delivery() must be true.
 * `spool` is used in place of Spool:Directory unless it is NULL. */
struct rts_delivery *rts_settings_open_delivery(const struct rts_settings *settings,
                                                enum rts_delivery_purpose purpose,
                                                const char *spool, struct rts_error *error);

/* rts_post() with what `settings` say, of which no more than X-Analysis-Id goes along. */
int rts_settings_post(const struct rts_settings *settings, const char *content_type,
                      const struct rts_buffer *body, int signals, struct rts_error *error);

/* rts_greet() with what `settings` say, whose endpoint must be given. */
int rts_settings_greet(const struct rts_settings *settings, struct rts_greeting *greeting,
                       struct rts_error *error);

#endif
