/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery whose facts wait in files: it is given no more than the server takes, and is told to
 * end when the server takes nothing any more. Interrupted by SIGINT and SIGTERM, which must be
 * blocked and readable from a signalfd.
 */
#ifndef RTS_SEND_SENDING_H
#define RTS_SEND_SENDING_H

#include "delivery/delivery.h"
#include "send/fact_reader.h"

/* Attempts that fail in a row before what is left stays where it is: with the pauses between them
 * about a quarter of a minute, unless the server asks for other pauses. */
#define RTS_SENDING_FAILURES_MAX 6

/* What SIGTERM leaves for the end. */
#define RTS_SENDING_PATIENCE_MS 1500

struct rts_sending {
    struct rts_delivery *delivery;
    int signals;       /* a signalfd */
    uint64_t room;     /* facts that may be under way */
    bool has_spool;    /* what the server does not take now is kept */
    bool is_held_back; /* nothing is sent: egress is off */
    bool interrupted;  /* by a signal */
    bool given_up;     /* the server takes nothing, and the delivery has said why */
};

/* Hands a batch over, when there is room for it; waits for that unless a signal comes. False when
 * it was not handed over: nothing takes it any more. */
bool rts_sending_submit(struct rts_sending *sending, const struct rts_fact_batch *batch);

/* Waits until nothing is left to send, or no longer makes sense. */
void rts_sending_settle(struct rts_sending *sending);

#endif
