/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account of one "rtsample send", in the form of --stats. What was found in a spool counts as
 * emitted when something has become of it: accepted, rejected, dropped. What remains there does not
 * count, since nobody has looked into it.
 */
#ifndef RTS_SEND_SEND_ACCOUNT_H
#define RTS_SEND_SEND_ACCOUNT_H

#include "delivery/delivery.h"
#include "facts/account.h"
#include "settings/settings.h"

struct rts_send_account {
    struct rts_account account;
    uint64_t begun_ns;
    int fd; /* of the file; -1: none is wanted */
};

/* Begins, and opens the file of --stats if there is one; what is in it stays until the end. */
int rts_send_account_open(struct rts_send_account *sent, const struct rts_settings *settings,
                          struct rts_error *error);

/* Takes in a delivery that has ended. */
void rts_send_account_add(struct rts_send_account *sent, const struct rts_delivery_counts *counts);

/* Writes the file and closes it. */
int rts_send_account_close(struct rts_send_account *sent, const struct rts_settings *settings,
                           struct rts_error *error);

#endif
