/* SPDX-License-Identifier: Apache-2.0 */
/* rtsample send --union: a union bundle to where such are taken. */
#ifndef RTS_SEND_SEND_UNION_H
#define RTS_SEND_SEND_UNION_H

#include "settings/settings.h"

/* Is all there that it takes? RTS_USAGE with what is missing. */
int rts_send_union_check(const struct rts_settings *settings, struct rts_error *error);

/* Sends the bundle at `path`; a signalfd tells when to give up. RTS_UNDELIVERED when the server did
 * not take it. */
int rts_send_union(const struct rts_settings *settings, const char *path, int signals,
                   struct rts_error *error);

#endif
